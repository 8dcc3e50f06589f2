"""What is asked for is the same for everybody, and follows from the keys alone."""

from pathlib import Path
from uuid import UUID

import pytest

from benchmarks.requests import Request, read_deck, write_deck
from benchmarks.workload import PEOPLE, ROWS, WORKS, Ask, Kind, Seen, asks, expected, identifier, owner, score


@pytest.mark.parametrize("name", WORKS)
def test_a_load_is_the_same_each_time(name: str) -> None:
    work = WORKS[name]
    assert list(asks(work, rows=ROWS, count=50)) == list(asks(work, rows=ROWS, count=50))
    assert list(asks(work, rows=ROWS, count=50)) != list(asks(work, rows=ROWS, count=50, seed=1))


def test_everybody_asks_for_their_own_rows() -> None:
    for ask in asks(WORKS["mixed"], rows=ROWS, count=500):
        assert 1 <= ask.key <= ROWS
        assert owner(ask.key) == ask.person


def test_a_mixed_load_mixes() -> None:
    kinds = [ask.kind for ask in asks(WORKS["mixed"], rows=ROWS, count=2_000)]
    assert {kind: round(kinds.count(kind) / 2_000, 1) for kind in (Kind.GET,)} == {Kind.GET: 0.9}
    assert set(kinds) == {Kind.GET, Kind.INSERT, Kind.UPDATE}


def test_a_page_has_the_best_of_ones_own() -> None:
    rows = expected(Ask(Kind.LIST, 7, 0, 0), ROWS)
    keys = [row.key or 0 for row in rows]
    assert len(rows) == 20
    assert {owner(key) for key in keys} == {7}
    assert [(-score(key), key) for key in keys] == sorted((-score(key), key) for key in keys)


def test_an_update_is_seen_and_changes_nothing_else() -> None:
    assert expected(Ask(Kind.UPDATE, 4, 5, 8), ROWS) == [Seen("Title of item 5", score(5), 5, done=True)]


def test_a_deck_is_read_as_it_was_written(tmp_path: Path) -> None:
    requests = [
        Request("GET", "/items/1", "t"),
        Request("POST", "/notes", "t", {"title": "12\r\n34é"}, (("Prefer", "x"),)),
    ]
    write_deck(tmp_path / "deck", requests)
    assert list(read_deck(tmp_path / "deck")) == [request.raw() for request in requests]
    assert requests[0].raw() == b"GET /items/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t\r\n\r\n"


def test_there_are_enough_people() -> None:
    assert PEOPLE == 1_000
    assert all(isinstance(each, UUID) for each in (identifier(0), identifier(PEOPLE - 1)))
