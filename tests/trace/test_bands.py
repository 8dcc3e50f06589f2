"""The bands of a picture: where the server's half lies in the client's, what lies in what, and what nobody explains."""

from dataclasses import replace

import pytest

from pellucid.observe import Stage
from pellucid.trace.bands import Kind, bands, gaps, placed
from pellucid.trace.document import Row
from pellucid.trace.journey import Hop
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
    rest = server.bars[-1]
    assert (rest.kind, rest.seconds) == (Kind.UNACCOUNTED, SERVER.unaccounted)


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
