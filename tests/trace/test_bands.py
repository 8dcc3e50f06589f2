"""The bands of a picture: where the server's half lies in the client's, what lies in what, and what nobody explains."""

import pytest
from msgspec.structs import replace

from pellucid.observe import Stage
from pellucid.trace.bands import Kind, bands
from pellucid.trace.document import Row
from pellucid.trace.intervals import gaps
from pellucid.trace.journey import Hop
from pellucid.trace.placing import placed
from tests.trace.sample import CLIENT, HOP, SERVER


def test_the_server_lies_in_the_middle_of_the_clients_wait() -> None:
    wait = HOP.row(Stage.WAIT)
    assert wait is not None
    rows = placed(HOP, SERVER)
    before = min(row.start for row in rows) - wait.start
    after = wait.start + wait.seconds - min(row.start for row in rows) - (SERVER.seconds + 0.0014)
    assert before == pytest.approx(after)
    assert before > 0


def test_a_server_that_took_longer_than_the_wait_stays_inside_of_the_hop() -> None:
    long = replace(SERVER, rows=(Row(Stage.SERVER, 0.0, 0.04),), seconds=0.04)
    (row,) = placed(HOP, long)
    assert HOP.started <= row.start
    assert row.start + row.seconds <= HOP.ended + 1e-9


def test_three_bands_each_with_its_own_scale() -> None:
    client, server, postgres = bands(HOP)
    assert [band.title for band in (client, server, postgres)] == ["client", "Pellucid", "PostgreSQL"]
    assert client.start < server.start < postgres.start
    assert client.seconds > server.seconds > postgres.seconds
    assert {bar.stage for bar in postgres.bars} == {Stage.PLANNING, Stage.EXECUTION}


def test_what_is_not_explained_is_a_bar_of_its_own() -> None:
    client, server, _ = bands(HOP)
    way = next(bar for bar in client.bars if bar.kind is Kind.WAY)
    assert (way.depth, len(way.pieces)) == (1, 2)
    rest = server.bars[-2]
    assert (rest.kind, rest.seconds) == (Kind.UNACCOUNTED, SERVER.unaccounted)


def test_the_looking_is_told_and_folded_away() -> None:
    looked = (
        Row(Stage.PARSE, 0.0, 0.001),
        Row(Stage.TRACE, 0.001, 0.5),
        Row(Stage.EXECUTE, 0.501, 0.002),
        Row(Stage.TRACE, 0.503, 0.2),
    )
    server = replace(SERVER, rows=looked, statements=(), seconds=0.703, unaccounted=0.0)
    client = (Row(Stage.WAIT, 0.0, 0.71), Row(Stage.RECEIVE, 0.71, 0.001))
    outer, inner = bands(Hop("GET", "u", client, server=server))
    assert inner.bars[-1].kind is Kind.LOOKING
    assert inner.bars[-1].seconds == pytest.approx(0.7)
    assert not inner.bars[-1].pieces
    assert [bar.label for bar in inner.bars] == ["parse", "execute", "trace"]
    assert inner.bars[1].pieces[0][0] == pytest.approx(inner.bars[0].pieces[0][1])
    assert inner.bars[1].share == pytest.approx(0.002 / 0.011)
    assert outer.seconds == pytest.approx(0.011)
    assert outer.bars[0].seconds == pytest.approx(0.01)


def test_what_postgresql_took_by_its_own_clock_lies_in_its_statement() -> None:
    rows = (Row(Stage.EXECUTE, 0.0, 0.01),)
    server = replace(SERVER, rows=rows, statements=SERVER.statements[:1], seconds=0.01)
    postgres = bands(replace(HOP, server=server))[2]
    assert [(bar.stage, bar.seconds) for bar in postgres.bars] == [(Stage.PLANNING, 0.0009), (Stage.EXECUTION, 0.0183)]


def test_the_longest_that_holds_no_other_is_marked() -> None:
    for band, leader in zip(bands(HOP), ("wait", "execute", "execution"), strict=True):
        assert [bar.label for bar in band.bars if bar.longest] == [leader]


def test_a_row_inside_of_another_is_told_by_its_depth() -> None:
    rows = (
        Row(Stage.SERVER, 0.0, 1.0),
        Row(Stage.PARSE, 0.1, 0.2),
        Row(Stage.PLAN, 0.15, 0.1),
        Row(Stage.EXECUTE, 0.5, 0.4),
    )
    hop = Hop("GET", "u", (Row(Stage.WAIT, 0.0, 1.0),), server=replace(SERVER, rows=rows, seconds=1.0, unaccounted=0.0))
    assert [(bar.label, bar.depth) for bar in bands(hop)[1].bars] == [
        ("server", 0),
        ("parse", 1),
        ("plan", 2),
        ("execute", 1),
    ]


def test_a_part_of_a_stage_is_named() -> None:
    hop = replace(HOP, server=replace(SERVER, rows=(Row(Stage.SERVER, 0.0, 0.001, {"part": "loop"}),)))
    assert bands(hop)[1].bars[0].label == "server loop"


def test_without_a_server_there_is_the_client_alone() -> None:
    (client,) = bands(replace(HOP, server=None))
    assert [bar.label for bar in client.bars] == [*(row.stage.value for row in CLIENT), "unaccounted"]


def test_gaps() -> None:
    assert gaps([(2, 3), (1, 1.5)], (0, 4)) == [(0, 1), (1.5, 2), (3, 4)]
    assert gaps([], (0, 1)) == [(0, 1)]
    assert gaps([(-1, 5)], (0, 1)) == []


def test_what_is_between_the_stages_is_one_bar_in_pieces() -> None:
    rows = (
        Row(Stage.SERVER, 0.0, 0.001, {"part": "route"}),
        Row(Stage.EXECUTE, 0.001, 0.002),
        Row(Stage.SERVER, 0.003, 0.001, {"part": "route"}),
        Row(Stage.EXECUTE, 0.004, 0.002),
    )
    _, server, *_ = bands(replace(HOP, server=replace(SERVER, rows=rows, unaccounted=0.0)))
    first, *others = server.bars
    assert (first.label, len(first.pieces), first.facts["times"]) == ("server route", 2, 2)
    assert first.seconds == pytest.approx(0.002)
    assert [bar.label for bar in others] == ["execute", "execute"]
