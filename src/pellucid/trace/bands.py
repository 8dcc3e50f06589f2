"""The bands of a picture: client, server, PostgreSQL, each with its rows on its own scale, so that what is small is seen too."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from pellucid.observe import Fact, Stage
from pellucid.trace.document import Row
from pellucid.trace.intervals import NEGLIGIBLE, Interval, gaps, interval
from pellucid.trace.journey import Hop
from pellucid.trace.page import docs
from pellucid.trace.placing import IN_POSTGRES, extent, folded, placed, seconds_of_looking, window_of

REPEATED = 5
"""How many statements that are the same are drawn as one."""


class Kind(StrEnum):
    """What a bar stands for."""

    STAGE = "stage"
    LOOKING = "looking"
    """The time that tracing itself took."""
    WAY = "way"
    """The part of the client's wait that the server knows nothing of: the way there and back, and queues in front of it."""
    UNACCOUNTED = "unaccounted"


class Bar(Struct, frozen=True):
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

    @property
    def link(self) -> str:
        """Where its stage is explained, if it stands for one."""
        return docs(self.stage) if self.kind in (Kind.STAGE, Kind.LOOKING) else ""


class Band(Struct, frozen=True):
    """One place and what happened there."""

    title: str
    start: float
    seconds: float
    bars: tuple[Bar, ...]


def bands(hop: Hop) -> tuple[Band, ...]:
    """The bands of one hop, from the client down. The time that looking took is folded away, so that what is left has its true share."""
    looking = seconds_of_looking(hop)
    hop = folded(hop, looking)
    client = _band("client", hop.rows, (hop.started, hop.ended), hop)
    if hop.server is None:
        return (client,)
    rows = placed(hop, hop.server)
    inner = [row for row in rows if row.stage in IN_POSTGRES]
    server = _band(
        "Pellucid", [row for row in rows if row.stage not in IN_POSTGRES], window_of(rows, hop, hop.server), hop
    )
    client = _with_way(client, server, hop)
    server = _with_rest(server, rows, hop.server.unaccounted, hop)
    server = _with_looking(server, looking)
    return (client, server, _band("PostgreSQL", inner, extent(inner), hop)) if inner else (client, server)


def _with_looking(server: Band, looking: float) -> Band:
    if not looking:
        return server
    bar = Bar("trace", Kind.LOOKING, Stage.TRACE, (), looking, 0.0)
    return Band(server.title, server.start, server.seconds, (*server.bars, bar))


def _band(title: str, rows: Iterable[Row], window: Interval, hop: Hop) -> Band:
    ordered = sorted(filter(_tells, rows), key=lambda row: (row.start, row.stage is not Stage.PROXY, -row.seconds))
    longest = max((row.seconds for row in ordered if not _encloses(row, ordered)), default=0.0)
    bars = _gathered(_bar(row, _depth(row, ordered), longest, hop) for row in ordered)
    if title == "client":
        bars += _unexplained([interval(row) for row in ordered], window, None, hop)
    return Band(title, window[0], window[1] - window[0], tuple(bars))


def _tells(row: Row) -> bool:
    """Whether a row says anything: one without length and facts is a stage that was passed through without anything to do."""
    return row.seconds >= NEGLIGIBLE or bool(row.facts)


def _bar(row: Row, depth: int, longest: float, hop: Hop) -> Bar:
    part = row.facts.get("part")
    return Bar(
        label=f"{row.stage} {part}" if part else row.stage.value,
        kind=Kind.STAGE,
        stage=row.stage,
        pieces=(interval(row),),
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


def _share(seconds: float, hop: Hop) -> float:
    return seconds / hop.seconds if hop.seconds else 0.0


def _contains(outer: Row, inner: Row) -> bool:
    return (
        outer is not inner
        and inner.stage is not Stage.PROXY
        and outer.start <= inner.start
        and interval(outer)[1] >= interval(inner)[1]
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
    around = gaps([(server.start, server.start + server.seconds)], interval(wait))
    seconds = sum(end - begin for begin, end in around)
    if seconds < NEGLIGIBLE:
        return client
    way = Bar("the way", Kind.WAY, Stage.WAIT, tuple(around), seconds, _share(seconds, hop), 1)
    place = next(index for index, bar in enumerate(client.bars) if bar.stage is Stage.WAIT) + 1
    return Band(client.title, client.start, client.seconds, (*client.bars[:place], way, *client.bars[place:]))


def _with_rest(server: Band, rows: Iterable[Row], unaccounted: float, hop: Hop) -> Band:
    rest = _unexplained(
        [interval(row) for row in rows], (server.start, server.start + server.seconds), unaccounted, hop
    )
    return Band(server.title, server.start, server.seconds, (*server.bars, *rest))


def _unexplained(covered: list[Interval], window: Interval, seconds: float | None, hop: Hop) -> list[Bar]:
    """What no row explains, as one bar in as many pieces as there are gaps."""
    found = gaps(covered, window)
    length = sum(end - begin for begin, end in found) if seconds is None else seconds
    if length < NEGLIGIBLE:
        return []
    return [Bar("unaccounted", Kind.UNACCOUNTED, Stage.SERVER, tuple(found), length, _share(length, hop))]
