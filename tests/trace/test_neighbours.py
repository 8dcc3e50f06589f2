"""Which requests of a client count as the same kind, asked for one by one."""

import sys
from typing import Any

import pytest

from pellucid.observe import Recording
from pellucid.trace.neighbours import Neighbours
from pellucid.web.exchange import Exchange
from pellucid.web.identity import Identity

ADA, GRACE = (Identity("authenticated", {"sub": f"0198c0de-0000-7000-8000-00000000000{n}"}) for n in (1, 2))


def asked(target: str, template: str = "/{table}/{key}", identity: Identity = ADA) -> Exchange:
    path, _, query = target.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "client": ("203.0.113.7", 50_000),
        "state": {"identity": identity},
    }
    return Exchange(scope, "id", Recording(), template=template)


def told(*exchanges: Exchange) -> tuple[int, bool]:
    neighbours = Neighbours()
    for exchange in exchanges:
        neighbours.see(exchange)
    return neighbours.alike(exchanges[-1])


def test_items_by_their_keys_after_their_list() -> None:
    items = [asked(f"/person/{number}") for number in range(5)]
    assert told(*items) == (5, False)
    assert told(asked("/person", "/{table}"), *items) == (5, True)


def test_items_by_a_filter() -> None:
    items = [asked(f"/person?id=eq.{number}&select=name", "/{table}") for number in range(5)]
    assert told(*items) == (5, False)


@pytest.mark.parametrize(
    "others",
    [
        [asked(f"/table{number}", "/{table}") for number in range(5)],
        [asked(f"/table{number}/7") for number in range(5)],
        [asked("/person?age=eq.1", "/{table}"), asked("/person?id=gt.1", "/{table}"), asked("/person", "/{table}")],
        [asked("/orders/1"), asked("/person/1", identity=GRACE)],
    ],
)
def test_other_tables_filters_and_users_are_no_siblings(others: list[Exchange]) -> None:
    template = others[0].route
    last = asked("/person?id=eq.7" if template == "/{table}" else "/person/7", template)
    assert told(*others, last) == (1, False)


def test_of_what_was_asked_only_numbers_are_kept() -> None:
    neighbours = Neighbours()
    neighbours.see(asked(f"/person/{'x' * 8000}?{'y' * 8000}"))
    (seen,) = next(iter(neighbours._clients.values()))
    assert sum(map(sys.getsizeof, seen)) < 200
