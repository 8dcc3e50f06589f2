"""Every limit of a request has an error of its own, which names the limit and the way out, in both profiles."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pellucid.errors import BeyondLimit
from pellucid.rest.grammar.bodies import MAX_KEYS_IN_ROW, MAX_ROWS_IN_BODY
from pellucid.rest.grammar.conditions import MAX_CONDITIONS, MAX_DEPTH, MAX_LIST
from pellucid.rest.grammar.fields import MAX_STEPS
from pellucid.rest.grammar.order import MAX_TERMS
from pellucid.rest.grammar.query import MAX_NAMES, MAX_PARAMETERS
from pellucid.rest.grammar.scanner import MAX_NAME
from pellucid.rest.grammar.select import MAX_EMBED_DEPTH, MAX_EMBEDS, MAX_ITEMS
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.rows import MAX_GROUPS
from pellucid.rest.profile import NATIVE, POSTGREST, Profile
from tests.rest.requests import ask
from tests.rest.world import CATALOG, PEOPLE


def trees(count: int) -> str:
    """As many filters, divided among parameters and trees."""
    return f"a=eq.1&a=not.is.null&or=({','.join(['a.eq.1'] * (count - 2))})"


QUERIES: dict[str, tuple[int, Callable[[int], str]]] = {
    "parameters": (MAX_PARAMETERS, lambda count: "&".join(f"a{number}.limit=1" for number in range(count))),
    "filters": (MAX_CONDITIONS, lambda count: "&".join(["a=eq.1"] * count)),
    "200 filters": (MAX_CONDITIONS, trees),
    "levels": (MAX_DEPTH, lambda count: f"and=({'or(' * (count - 1)}a.eq.1{')' * (count - 1)})"),
    "list": (MAX_LIST, lambda count: f"a=in.({','.join(['1'] * count)})"),
    "list has": (MAX_LIST, lambda count: f"or=(a.in.({','.join(['1'] * count)}))"),
    "items": (MAX_ITEMS, lambda count: f"select={','.join(['a'] * count)}"),
    "1000 items": (MAX_ITEMS, lambda count: f"select=b({','.join(['a'] * (count - 1))})"),
    "tables": (MAX_EMBEDS, lambda count: f"select={','.join(['a()'] * count)}"),
    "deep": (MAX_EMBED_DEPTH, lambda count: f"select={'a(' * count}{')' * count}"),
    "terms": (MAX_TERMS, lambda count: f"order={','.join(['a'] * count)}"),
    "64 terms": (MAX_TERMS, lambda count: f"select=b()&b.order={','.join(['a'] * count)}"),
    "steps": (MAX_STEPS, lambda count: f"select=a{'->b' * count}"),
    "32 steps": (MAX_STEPS, lambda count: f"a{'->b' * count}=eq.1"),
    "steps into": (MAX_STEPS, lambda count: f"order=a{'->>b' * count}"),
    "characters": (MAX_NAME, lambda count: f"select={'n' * count}"),
    "250 characters": (MAX_NAME, lambda count: f"select={'n-' * ((count - 2) // 2)}{'n' * (2 + count % 2)}"),
    "more than 250": (MAX_NAME, lambda count: f"{'n' * count}=eq.1"),
    "has more than 250": (MAX_NAME, lambda count: f"select=a::{'n' * count}"),
    "digits": (18, lambda count: f"select=a->{'1' * count}"),
    '"columns" has': (MAX_NAMES, lambda count: f"columns={','.join(['a'] * count)}"),
    '"on_conflict" has': (MAX_NAMES, lambda count: f"on_conflict={','.join(['a'] * count)}"),
}
BODIES: dict[str, tuple[str, int, Callable[[int], bytes]]] = {
    "keys": ("application/json", MAX_KEYS_IN_ROW, lambda count: json.dumps(dict.fromkeys(map(str, range(count)), 1)).encode()),
    "rows": ("application/json", MAX_ROWS_IN_BODY, lambda count: b"[" + b",".join([b'{"a":1}'] * count) + b"]"),
    "body": ("text/csv", MAX_ROWS_IN_BODY, lambda count: b"a\n" + b"1\n" * count),
    "1600 keys": ("text/csv", MAX_KEYS_IN_ROW, lambda count: b",".join([b"a"] * count) + b"\n"),
}  # fmt: skip


@pytest.mark.parametrize("profile", [NATIVE, POSTGREST], ids=lambda profile: profile.name)
@pytest.mark.parametrize("what", QUERIES)
def test_queries_are_bounded(what: str, profile: Profile) -> None:
    most, query = QUERIES[what]
    ask("GET", f"/people?{query(most)}", None, profile)
    with pytest.raises(BeyondLimit) as fault:
        ask("GET", f"/people?{query(most + 1)}", None, profile)
    judge(fault.value, what, most)


@pytest.mark.parametrize("profile", [NATIVE, POSTGREST], ids=lambda profile: profile.name)
@pytest.mark.parametrize("what", BODIES)
def test_bodies_are_bounded(what: str, profile: Profile) -> None:
    kind, most, body = BODIES[what]
    ask("POST", "/people", body(most), profile, content_type=kind)
    with pytest.raises(BeyondLimit) as fault:
        ask("POST", "/people", body(most + 1), profile, content_type=kind)
    judge(fault.value, what, most)


def test_lists_far_beyond_their_limits_are_too() -> None:
    for profile in (NATIVE, POSTGREST):
        for what, query in (("columns", "columns"), ("order", "order"), ("select", "select")):
            with pytest.raises(BeyondLimit, match=what):
                ask("GET", f"/people?{query}={','.join(['a'] * 4000)}", None, profile)


def test_forms_are_bounded() -> None:
    def form(count: int) -> Any:
        body = "&".join(f"a{number}=1" for number in range(count)).encode()
        return ask("POST", "/people", body, POSTGREST, content_type="application/x-www-form-urlencoded")

    form(MAX_KEYS_IN_ROW)
    with pytest.raises(BeyondLimit) as fault:
        form(MAX_KEYS_IN_ROW + 1)
    judge(fault.value, "fields", MAX_KEYS_IN_ROW)


def test_sets_of_keys_are_bounded() -> None:
    columns = list(PEOPLE.columns)
    rows = [
        {name: None for place, name in enumerate(columns) if number >> place & 1} for number in range(MAX_GROUPS + 1)
    ]
    context = Context(CATALOG, NATIVE, "anon")
    make_plan(ask("POST", "/people", rows[:-1]), PEOPLE, context)
    with pytest.raises(BeyondLimit) as fault:
        make_plan(ask("POST", "/people", rows), PEOPLE, context)
    judge(fault.value, "different sets of keys", MAX_GROUPS)


def judge(error: BeyondLimit, what: str, most: int) -> None:
    """It names the limit, and the way out."""
    assert str(most) in error.message
    assert what in error.message
    assert error.hint
    assert error.status == 400
