"""The server's rows on the client's clock, as if nobody had looked."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from pellucid.observe import Stage
from pellucid.trace.document import Row, Trace
from pellucid.trace.intervals import Interval, interval
from pellucid.trace.journey import Hop

IN_POSTGRES = frozenset({Stage.PLANNING, Stage.EXECUTION, Stage.LOCKS, Stage.WAL, Stage.DISK})


def seconds_of_looking(hop: Hop) -> float:
    """How long the server was busy with looking."""
    return 0.0 if hop.server is None else sum(row.seconds for row in hop.server.rows if row.stage is Stage.TRACE)


def folded(hop: Hop, looking: float) -> Hop:
    """The hop as if nobody had looked: each stay of looking has no length, and what comes after it comes earlier."""
    wait = hop.row(Stage.WAIT)
    if hop.server is None or wait is None or not looking:
        return hop
    stays = [interval(row) for row in hop.server.rows if row.stage is Stage.TRACE]
    shorter = min(looking, wait.seconds)
    client = [
        replace(row, seconds=wait.seconds - shorter, facts={})
        if row is wait
        else replace(row, start=row.start - (shorter if row.start > wait.start else 0.0))
        for row in hop.rows
    ]
    rows = [_moved(row, stays) for row in hop.server.rows if row.stage is not Stage.TRACE]
    server = replace(hop.server, rows=tuple(rows), seconds=_before(hop.server.seconds, stays))
    return replace(hop, rows=tuple(client), server=server)


def _moved(row: Row, stays: Sequence[Interval]) -> Row:
    begin, end = (_before(moment, stays) for moment in interval(row))
    return replace(row, start=begin, seconds=end - begin)


def _before(moment: float, stays: Iterable[Interval]) -> float:
    """A moment on a clock that stood still while somebody looked."""
    return moment - sum(max(min(end, moment) - begin, 0.0) for begin, end in stays)


def placed(hop: Hop, server: Trace) -> list[Row]:
    """The server's rows on the client's clock: in the middle of its wait, since the ways there and back are taken to be equally long."""
    shift = _shift(hop, server)
    return [Row(row.stage, row.start + shift, row.seconds, row.facts) for row in (*server.rows, *_in_postgres(server))]


def _in_postgres(server: Trace) -> Iterator[Row]:
    """What PostgreSQL says that its statements took, where the trace has no rows of it: in the middle of the time that each had to run."""
    runs = [row for row in server.rows if row.stage is Stage.EXECUTE]
    if any(row.stage in IN_POSTGRES for row in server.rows) or len(runs) != len(server.statements):
        return
    for run, statement in zip(runs, server.statements, strict=True):
        planning, execution = statement.planning or 0.0, statement.execution or 0.0
        begin = run.start + max(run.seconds - planning - execution, 0.0) / 2
        if planning:
            yield Row(Stage.PLANNING, begin, planning)
        if execution:
            yield Row(Stage.EXECUTION, begin + planning, execution)


def _shift(hop: Hop, server: Trace) -> float:
    wait = hop.row(Stage.WAIT)
    if wait is None:
        return hop.started
    before = min([0.0, *(row.start for row in server.rows)])
    length = max([server.seconds, *(row.start + row.seconds for row in server.rows)]) - before
    middle = wait.start + (wait.seconds - length) / 2
    return max(middle if length <= wait.seconds else min(wait.start, hop.ended - length), hop.started) - before


def window_of(rows: Sequence[Row], hop: Hop, server: Trace) -> Interval:
    """From when to when the server was at it, as far as is known."""
    shift = _shift(hop, server)
    begin, end = extent(rows) if rows else (shift, shift)
    return min(begin, shift), max(end, shift + server.seconds)


def extent(rows: Sequence[Row]) -> Interval:
    """From the beginning of the first row to the end of the last one."""
    return min((row.start for row in rows), default=0.0), max((row.start + row.seconds for row in rows), default=0.0)
