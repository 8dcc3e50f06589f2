"""An overview of a database as tables: for a terminal with colours, for a pipe as plain lines."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pellucid.cli.errors import line
from pellucid.trace.overview import Blocked, Overview, Ran, Vitals

Cell = str


class Section(Struct, frozen=True):
    """A table: its title, the names of its columns and its rows. A column whose name begins with ``#`` holds numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    nothing: str = ""


def sections(overview: Overview) -> Iterator[Section]:
    """The overview, part by part."""
    waiting = Section(
        "who waits for whom",
        ("process", "#waits", "for", "state", "statement"),
        tuple(_tree(overview.blocked)),
        "nobody waits for a lock",
    )
    if waiting.rows:  # what presses comes first: a terminal shows no more than it has lines
        yield waiting
    yield _statements(overview)
    yield _slower(overview)
    yield _connections(overview)
    yield _longest(overview)
    if not waiting.rows:
        yield waiting
    yield _replication(overview)
    yield _bloated(overview)
    if overview.missing:
        rows = tuple((each.what, each.why, each.remedy) for each in overview.missing)
        yield Section("cannot be seen", ("what", "why", "remedy"), rows)


def _statements(overview: Overview) -> Section:
    return Section(
        "statements, by the time they took",
        ("#share", "#calls", "#/s", "#mean", "#rows", "#in memory", "role", "statement"),
        tuple(_ran(each) for each in overview.statements),
        "none known",
    )


def _ran(ran: Ran) -> tuple[Cell, ...]:
    figures = (
        _percent(ran.share),
        f"{ran.calls:,}",
        _rate(ran.rate),
        _time(ran.mean),
        f"{ran.rows:,}",
        _percent(ran.hit),
    )
    return (*figures, ran.role, ran.sql)


def _slower(overview: Overview) -> Section:
    return Section(
        "statements that take longer than they did",
        ("#before", "#now", "#times", "#calls", "role", "statement"),
        tuple(
            (_time(each.before), _time(each.now), f"{each.factor:.1f}", f"{each.calls:,}", each.role, each.sql)
            for each in overview.slower
        ),
        "none",
    )


def _connections(overview: Overview) -> Section:
    return Section(
        "connections",
        ("#count", "state", "application", "#longest"),
        tuple((str(each.count), each.state, each.application, _time(each.longest)) for each in overview.connections),
    )


def _longest(overview: Overview) -> Section:
    return Section(
        "longest transactions",
        ("#age", "#process", "role", "application", "state", "waits", "statement"),
        tuple(
            (_time(each.seconds), str(each.process), each.role, each.application, each.state, each.waits, each.sql)
            for each in overview.longest
        ),
        "none open",
    )


def _replication(overview: Overview) -> Section:
    return Section(
        "replication",
        ("name", "kind", "state", "#behind", "#lag"),
        tuple((each.name, each.kind, each.state, _bytes(each.behind), _time(each.lag)) for each in overview.replicas),
        "no replicas and no slots",
    )


def _bloated(overview: Overview) -> Section:
    return Section(
        "tables with many dead rows",
        ("table", "#dead", "#live", "#size", "vacuumed"),
        tuple(
            (each.table, f"{each.dead:,}", f"{each.live:,}", _bytes(each.size), _moment(each.cleaned))
            for each in overview.bloated
        ),
        "none",
    )


def fitting(height: int) -> int:
    """How many rows of each part there is room for on a terminal with so many lines."""
    return max(3, min(10, (height - 22) // 3))


def headline(vitals: Vitals) -> str:
    """The database in one line."""
    parts = [
        f"{vitals.database} on PostgreSQL {vitals.version}{', a standby' if vitals.standby else ''}",
        _bytes(vitals.size),
        f"{vitals.connections} of {vitals.most} connections",
        f"{_percent(vitals.hit)} of pages in memory",
    ]
    if vitals.transactions is not None:
        parts.append(f"{vitals.transactions:,.1f} transactions/s")
    if vitals.rollbacks:
        parts.append(f"{vitals.rollbacks:,.1f} rolled back/s")
    if vitals.log is not None:
        parts.append(f"{_bytes(int(vitals.log))}/s of log")
    return " · ".join(parts)


def as_tables(overview: Overview) -> RenderableType:
    """For a terminal."""
    parts: list[RenderableType] = [Text(line(headline(overview.vitals)), "bold")]
    for section in sections(overview):
        parts += [Text(), Text(section.title, "bold cyan"), _table(section)] if section.rows else [_empty(section)]
    return Group(*parts)


def as_lines(overview: Overview) -> Iterator[str]:
    """For a pipe: a line a row, with tabs between."""
    yield line(headline(overview.vitals))
    for section in sections(overview):
        yield ""
        yield section.title
        yield "\t".join(column.removeprefix("#") for column in section.columns)
        yield from ("\t".join(_fit(cell) for cell in row) for row in section.rows)


def _empty(section: Section) -> RenderableType:
    return Text.assemble("\n", (section.title, "bold cyan"), "  ", (section.nothing, "dim"))


def _table(section: Section) -> RenderableType:
    wide = section.columns[-1] == "statement"
    table = Table(box=None, pad_edge=False, header_style="dim", expand=wide)
    for column in section.columns:
        numbers = column.startswith("#")
        last = column is section.columns[-1] and wide
        table.add_column(
            column.removeprefix("#"),
            justify="right" if numbers else "left",
            no_wrap=not section.title.startswith("cannot"),
            overflow="ellipsis",
            ratio=1 if last else None,
        )
    for row in section.rows:
        table.add_row(*(Text(_fit(cell)) for cell in row))
    return table


def _fit(cell: Cell) -> str:
    """A cell on one line, with its indentation."""
    indentation = len(cell) - len(cell.lstrip(" "))
    return " " * indentation + line(cell)


def _tree(blocked: Sequence[Blocked]) -> Iterator[tuple[Cell, ...]]:
    """Those that hold locks, and below each those that wait for it. Who waits for several stands below each of them."""
    known = {each.process: each for each in blocked}
    waiting = {process: [each for each in blocked if process in each.blockers] for process in known}
    roots = [each for each in blocked if not each.blockers] or list(blocked)  # all wait in a circle: a deadlock
    for root in roots:
        yield from _branch(root, waiting, 0, frozenset())


def _branch(
    root: Blocked, waiting: dict[int, list[Blocked]], depth: int, above: frozenset[int]
) -> Iterator[tuple[Cell, ...]]:
    who = f"{'  ' * depth}{'└ ' if depth else ''}{root.process} {line(root.application)}"
    waits = _time(root.seconds) if root.blockers else ""
    yield (who, waits, root.lock if root.blockers else "", root.state, root.sql)
    for each in waiting[root.process] if root.process not in above else ():
        yield from _branch(each, waiting, depth + 1, above | {root.process})


def _time(seconds: float | None) -> str:
    """A stretch of time for people."""
    match seconds:
        case None:
            return "-"
        case _ if seconds < 1:
            return f"{seconds * 1000:.3g} ms" if seconds < 0.0995 else f"{seconds * 1000:.0f} ms"
        case _ if seconds < 120:
            return f"{seconds:.1f} s"
        case _ if seconds < 7200:
            return f"{seconds / 60:.0f} min"
        case _:
            return f"{seconds / 3600:,.0f} h"


def _bytes(size: int | None) -> str:
    if size is None:
        return "-"
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(amount) < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:,.1f}"


def _moment(seconds: float | None) -> str:
    return "never" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
