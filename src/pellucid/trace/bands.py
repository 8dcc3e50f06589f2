"""The bands of a picture: client, server, PostgreSQL, each with its rows on its own scale, so that what is small is seen too."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pellucid.observe import Fact, Stage
from pellucid.trace.document import Row, Trace
from pellucid.trace.journey import Hop

IN_POSTGRES = frozenset({Stage.PLANNING, Stage.EXECUTION, Stage.LOCKS, Stage.WAL, Stage.DISK})
REPEATED = 5
"""How many statements that are the same are drawn as one."""
LEAST_SHOWN = 1e-6
"""Seconds below which a gap is the clock's own."""


class Kind(StrEnum):
    """What a bar stands for."""

    STAGE = "stage"
    LOOKING = "looking"
    """The time that tracing itself took."""
    WAY = "way"
    """The part of the client's wait that the server knows nothing of: the way there and back, and queues in front of it."""
    UNACCOUNTED = "unaccounted"


Interval = tuple[float, float]
"""Beginning and end, in seconds from the beginning of the journey."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the picture. ``share`` is its part of the hop, ``depth`` how many rows of its band it lies in."""

    label: str
    kind: Kind
    stage: Stage
    pieces: tuple[Interval, ...]
    seconds: float
    share: float
    depth: int = 0
    longest: bool = False
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Band:
    """One place and what happened there."""

    title: str
    start: float
    seconds: float
    bars: tuple[Bar, ...]


def bands(hop: Hop) -> tuple[Band, ...]:
    """The bands of one hop, from the client down. The time that looking took is folded away, so that what is left has its true share."""
    looking = seconds_of_looking(hop)
    hop = _folded(hop, looking)
    client = _band("client", hop.rows, (hop.started, hop.ended), hop)
    if hop.server is None:
        return (client,)
    rows = placed(hop, hop.server)
    inner = [row for row in rows if row.stage in IN_POSTGRES]
    server = _band(
        "Pellucid", [row for row in rows if row.stage not in IN_POSTGRES], _window(rows, hop, hop.server), hop
    )
    client = _with_way(client, server, hop)
    server = _with_rest(server, rows, hop.server.unaccounted, hop)
    server = _with_looking(server, looking)
    return (client, server, _band("PostgreSQL", inner, _extent(inner), hop)) if inner else (client, server)


def seconds_of_looking(hop: Hop) -> float:
    """How long the server was busy with looking."""
    return 0.0 if hop.server is None else sum(row.seconds for row in hop.server.rows if row.stage is Stage.TRACE)


def _folded(hop: Hop, looking: float) -> Hop:
    """The hop as if nobody had looked: each stay of looking has no length, and what comes after it comes earlier."""
    wait = hop.row(Stage.WAIT)
    if hop.server is None or wait is None or not looking:
        return hop
    stays = [_interval(row) for row in hop.server.rows if row.stage is Stage.TRACE]
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
    begin, end = (_before(moment, stays) for moment in _interval(row))
    return replace(row, start=begin, seconds=end - begin)


def _before(moment: float, stays: Iterable[Interval]) -> float:
    """A moment on a clock that stood still while somebody looked."""
    return moment - sum(max(min(end, moment) - begin, 0.0) for begin, end in stays)


def _with_looking(server: Band, looking: float) -> Band:
    if not looking:
        return server
    bar = Bar("trace", Kind.LOOKING, Stage.TRACE, (), looking, 0.0)
    return Band(server.title, server.start, server.seconds, (*server.bars, bar))


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


def _window(rows: Sequence[Row], hop: Hop, server: Trace) -> Interval:
    shift = _shift(hop, server)
    begin, end = _extent(rows) if rows else (shift, shift)
    return min(begin, shift), max(end, shift + server.seconds)


def _extent(rows: Sequence[Row]) -> Interval:
    return min((row.start for row in rows), default=0.0), max((row.start + row.seconds for row in rows), default=0.0)


def _band(title: str, rows: Iterable[Row], window: Interval, hop: Hop) -> Band:
    ordered = sorted(filter(_tells, rows), key=lambda row: (row.start, row.stage is not Stage.PROXY, -row.seconds))
    longest = max((row.seconds for row in ordered if not _encloses(row, ordered)), default=0.0)
    bars = _gathered(_bar(row, _depth(row, ordered), longest, hop) for row in ordered)
    if title == "client":
        bars += _gaps([_interval(row) for row in ordered], window, None, hop)
    return Band(title, window[0], window[1] - window[0], tuple(bars))


def _tells(row: Row) -> bool:
    """Whether a row says anything: one without length and facts is a stage that was passed through without anything to do."""
    return row.seconds >= LEAST_SHOWN or bool(row.facts)


def _bar(row: Row, depth: int, longest: float, hop: Hop) -> Bar:
    part = row.facts.get("part")
    return Bar(
        label=f"{row.stage} {part}" if part else row.stage.value,
        kind=Kind.STAGE,
        stage=row.stage,
        pieces=(_interval(row),),
        seconds=row.seconds,
        share=_share(row.seconds, hop),
        depth=depth,
        longest=row.seconds == longest > 0,
        facts=row.facts,
    )


def _gathered(bars: Iterable[Bar]) -> list[Bar]:
    """The bars, with those that are alike as one: what lies between the stages is many and small, and so is what runs again and again."""
    bars = list(bars)
    often = Counter(map(_kind, bars))
    found: dict[object, Bar] = {}
    for number, bar in enumerate(bars):
        kind = _kind(bar)
        key = kind if bar.facts.keys() == {"part"} or (kind[2] is not None and often[kind] >= REPEATED) else number
        first = found.get(key)
        found[key] = bar if first is None else _together(first, bar)
    return list(found.values())


def _kind(bar: Bar) -> tuple[str, int, Fact | None]:
    """What makes bars alike: the same part of the server, the same statement, or a time of PostgreSQL's of which nothing else is known."""
    same = bar.facts.get("sql", "" if bar.stage in IN_POSTGRES and not bar.facts else None)
    return bar.label, bar.depth, same


def _together(first: Bar, other: Bar) -> Bar:
    pieces, seconds = (*first.pieces, *other.pieces), first.seconds + other.seconds
    facts: dict[str, Fact] = {name: first.facts[name] for name in ("part", "sql") if name in first.facts}
    facts["times"] = len(pieces)
    rows = [bar.facts.get("rows") for bar in (first, other)]
    if all(isinstance(each, int) for each in rows):
        facts["rows"] = sum(each for each in rows if isinstance(each, int))
    share, longest = first.share + other.share, first.longest or other.longest
    return replace(first, pieces=pieces, seconds=seconds, share=share, longest=longest, facts=facts)


def _interval(row: Row) -> Interval:
    return row.start, row.start + row.seconds


def _share(seconds: float, hop: Hop) -> float:
    return seconds / hop.seconds if hop.seconds else 0.0


def _contains(outer: Row, inner: Row) -> bool:
    return (
        outer is not inner
        and inner.stage is not Stage.PROXY
        and outer.start <= inner.start
        and _interval(outer)[1] >= _interval(inner)[1]
        and outer.seconds > inner.seconds
    )


def _encloses(row: Row, rows: Iterable[Row]) -> bool:
    return any(_contains(row, other) and other.seconds > 0 for other in rows)


def _depth(row: Row, rows: Iterable[Row]) -> int:
    return sum(_contains(other, row) for other in rows)


def _with_way(client: Band, server: Band, hop: Hop) -> Band:
    """The client's band with the part of its wait in which the server was not yet, or no longer, at it."""
    wait = hop.row(Stage.WAIT)
    if wait is None:
        return client
    around = gaps([(server.start, server.start + server.seconds)], _interval(wait))
    seconds = sum(end - begin for begin, end in around)
    if seconds < LEAST_SHOWN:
        return client
    way = Bar("the way", Kind.WAY, Stage.WAIT, tuple(around), seconds, _share(seconds, hop), 1)
    place = next(index for index, bar in enumerate(client.bars) if bar.stage is Stage.WAIT) + 1
    return Band(client.title, client.start, client.seconds, (*client.bars[:place], way, *client.bars[place:]))


def _with_rest(server: Band, rows: Iterable[Row], unaccounted: float, hop: Hop) -> Band:
    rest = _gaps([_interval(row) for row in rows], (server.start, server.start + server.seconds), unaccounted, hop)
    return Band(server.title, server.start, server.seconds, (*server.bars, *rest))


def _gaps(covered: list[Interval], window: Interval, seconds: float | None, hop: Hop) -> list[Bar]:
    """What no row explains, as one bar in as many pieces as there are gaps."""
    found = gaps(covered, window)
    length = sum(end - begin for begin, end in found) if seconds is None else seconds
    if length < LEAST_SHOWN:
        return []
    return [Bar("unaccounted", Kind.UNACCOUNTED, Stage.SERVER, tuple(found), length, _share(length, hop))]


def gaps(covered: Iterable[Interval], window: Interval) -> list[Interval]:
    """What of a window is not covered."""
    found, reached = [], window[0]
    for begin, end in sorted(covered):
        if begin > reached:
            found.append((reached, min(begin, window[1])))
        reached = max(reached, end)
    if reached < window[1]:
        found.append((reached, window[1]))
    return [(begin, end) for begin, end in found if end - begin > 0]
