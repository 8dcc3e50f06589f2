"""Plans of slow statements, from whoever has the connection: told by PostgreSQL while they run, without running anything again."""

from collections import deque
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from pellucid.trace.document import Statement
from pellucid.trace.witness.asking import slow
from pellucid.trace.witness.masking import plan, statement, unseen
from pellucid.trace.witness.notices import Told, told_in

KEPT = 20
"""Slow statements that are remembered of one connection."""

_SETTING = "set_config("
"""Stands in the statements that open transactions, with whole headers and cookies, which are nobody's business."""


class SlowPlans:
    """Hears, on all connections of a pool, the plans of statements that took longer than a threshold.

    Give `server_settings` to new connections and call `listen` with each. The plans have PostgreSQL's estimates and the time that the
    statement took, but nothing measured inside, for measuring costs all statements, not only the slow ones.
    """

    def __init__(self, version: int, milliseconds: int) -> None:
        """Prepare it.

        Args:
            version: PostgreSQL's number, such as 180001.
            milliseconds: how long a statement may take without being told.
        """
        self.server_settings: Mapping[str, str] = dict(slow(version, milliseconds))
        self._heard: dict[int, deque[tuple[float, Told]]] = {}

    def listen(self, connection: Any) -> None:
        """Hear a new connection, until it is closed."""
        process: int = connection.get_server_pid()
        heard = self._heard[process] = deque(maxlen=KEPT)

        def hear(_connection: object, message: Any) -> None:
            if (told := told_in(message.message or "")) and _SETTING not in told.sql:
                heard.append((perf_counter(), told))

        connection.add_log_listener(hear)
        connection.add_termination_listener(lambda _: self._heard.pop(process, None))

    def between(self, process: int, began: float, ended: float, sql: str = "") -> tuple[Statement, ...]:
        """The slow statements of a connection in a stretch of time.

        Args:
            process: PostgreSQL's number of the connection's process.
            began: when somebody took it, in seconds of `time.perf_counter`.
            ended: when they gave it back.
            sql: what they ran, where others ran theirs in the same stretch.
        """
        heard = self._heard.get(process, ())
        return tuple(_shown(told) for at, told in heard if began <= at <= ended and sql in told.sql)


def _shown(told: Told) -> Statement:
    return Statement(
        statement(told.sql),
        seconds=told.seconds,
        execution=told.seconds,
        plan=plan(told.plan, unseen(told.sql)),
        estimated=True,
    )
