"""A witness that asks PostgreSQL nothing: it writes down which statements ran, and no more."""

from collections.abc import Sequence
from typing import Any

from pellucid.database.driver import Connection
from pellucid.database.sqlstate import condition
from pellucid.trace.document import Commit, Missing, Statement
from pellucid.trace.witness.masking import statement
from pellucid.web.redact import BLOT

_MOST = 200


class Plain:
    """Writes down statements, without the values of their parameters. It fills `pellucid.trace.tracing.Looking`."""

    settings: Sequence[tuple[str, str]] = ()

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.commits: list[Commit] = []
        self.missing: list[Missing] = []

    async def opened(self, driver: Connection) -> None:
        """Look at nothing."""

    async def stated(self, driver: Connection, sql: str, args: Sequence[Any], rows: int | None) -> None:
        """Write the statement down."""
        if len(self.statements) < _MOST:
            self.statements.append(Statement(statement(sql), _hidden(args), rows=rows))

    async def failed(self, driver: Connection, sql: str, args: Sequence[Any], fault: Exception) -> None:
        """Write down that it failed."""
        if len(self.statements) < _MOST:
            self.statements.append(Statement(statement(sql), _hidden(args), failed=condition(fault)))

    async def ending(self, driver: Connection) -> None:
        """Look at nothing."""

    async def ended(self, driver: Connection, *, committed: bool) -> None:
        """Look at nothing."""

    async def close(self) -> None:
        """There is nothing to let go of."""


def _hidden(args: Sequence[Any]) -> tuple[str | None, ...]:
    return tuple(None if value is None else BLOT for value in args)
