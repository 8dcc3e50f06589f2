"""One row that comes again is written by a smaller statement, and its answer is the same to the byte."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from tests.rest.stage import THINGS, Stage, watched

__all__ = ["watched"]

pytestmark = pytest.mark.anyio

SINGULAR = "application/vnd.pgrst.object+json"
FORMS: Sequence[tuple[str, str, Any, dict[str, str]]] = [
    ("GET", "/made/1,a", None, {}),
    ("GET", "/made/1,a?select=b,note", None, {}),
    ("GET", "/rest/v1/made?a=eq.1&b=eq.a", None, {}),
    ("GET", "/rest/v1/made?a=eq.1&b=eq.a&offset=1", None, {}),
    ("GET", "/rest/v1/made?a=eq.1&b=eq.a&select=b,note", None, {"Accept": SINGULAR}),
    ("GET", "/rest/v1/made?a=eq.1&b=eq.a", None, {"Accept": f"{SINGULAR};nulls=stripped"}),
    ("GET", "/rest/v1/made?a=eq.1&b=eq.a", None, {"Accept": "application/vnd.pgrst.array+json;nulls=stripped"}),
    ("GET", "/rest/v1/made?order=b&limit=2", None, {"Accept": "application/vnd.pgrst.array+json;nulls=stripped"}),
    ("PATCH", "/made/1,a", {"note": None, "doc": {"x": [1, None]}}, {}),
    ("PATCH", "/made/1,a?select=b", {"note": 'q"\\\n\u20ac'}, {}),
    ("PATCH", "/rest/v1/made?a=eq.1&b=eq.a", {"at": "2026-01-02T03:04:05Z"}, {"Prefer": "return=representation"}),
    ("PATCH", "/rest/v1/made?a=eq.1&b=eq.a", {"note": "x"}, {"Prefer": "return=representation", "Accept": SINGULAR}),
    ("PATCH", "/rest/v1/made?a=eq.1&b=eq.a", {"note": "x"}, {}),
    ("PATCH", "/rest/v1/made?a=eq.1&b=eq.a", {"note": "x"}, {"Prefer": "return=headers-only"}),
]
"""Requests that can be asked as often as one likes: method, target, body, headers."""


@pytest.mark.parametrize(("method", "target", "body", "headers"), FORMS)
async def test_one_row_is_written_as_rows_are(
    stage: Stage, admin: asyncpg.Connection, method: str, target: str, body: Any, headers: dict[str, str]
) -> None:
    await admin.execute(
        "create table made (a int, b text, note text, doc jsonb, n numeric, at timestamptz, d interval, primary key (a, b)); "
        "insert into made values (1, 'a', null, '{\"k\":  [1]}', 1.50, '2026-01-01', '1 day'), (1, 'b', 'n', null, null, null, null); "
        "alter table made enable row level security; create policy open on made using (true); grant all on made to authenticated"
    )
    await stage.app.data.database.refresh()  # type: ignore[union-attr]
    usual, *others = [await stage.ask(method, target, body, **headers) for _ in range(5)]
    assert usual.status_code < 300, usual.text
    assert len(stage.short) >= 2
    own = {"x-request-id", "server-timing", "date"}
    for other in others:
        assert other.content == usual.content
        assert {*other.headers.items()} - {*usual.headers.items()} <= {
            (n, other.headers[n]) for n in own if n in other.headers
        }


async def test_new_rows_are_written_as_rows_are(stage: Stage, admin: asyncpg.Connection) -> None:
    await admin.execute(
        "create table made (a int, b text, note text, at date default '2026-01-01', primary key (a, b)); "
        "alter table made enable row level security; create policy open on made using (true); grant all on made to authenticated"
    )
    await stage.app.data.database.refresh()  # type: ignore[union-attr]
    for target, headers in [
        ("/made", {}),
        ("/rest/v1/made", {"Prefer": "return=representation"}),
        ("/rest/v1/made?select=note", {"Prefer": "return=representation", "Accept": SINGULAR}),
        ("/rest/v1/made", {"Prefer": "return=headers-only"}),
    ]:
        answers = []
        for key in ("x", "y", "z", "v", 'q,"'):
            answer = await stage.ask("POST", target, {"a": 1, "b": key, "note": "n"}, **headers)
            told = (answer.text, answer.headers.get("location", ""))
            answers.append([text.replace(json.dumps(key), '"?"').replace(quote(key, safe=""), "?") for text in told])
            assert (await stage.ask("DELETE", f"/made/1,{quote(key, safe='')}")).status_code < 300
        assert answers == [answers[0]] * 5, target
    assert stage.short.count(201) >= 8


async def test_what_is_not_there_is_told_as_always(stage: Stage) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    for method, target, body, status in [
        ("GET", "/thing/{}", None, 404),
        ("PATCH", "/thing/{}", {"place": 2}, 404),
        ("PATCH", "/rest/v1/thing?id=eq.{}", {"place": 2}, 204),
        ("GET", "/rest/v1/thing?id=eq.{}", None, 200),
        ("DELETE", "/thing/{}", None, 404),
    ]:
        before = len(stage.short)
        for number in (1, 2, 3):
            assert (await stage.ask(method, target.format(number), body)).status_code < 300
        assert len(stage.short) > before, target
        for _ in range(2):
            answer = await stage.ask(method, target.format(99), body)
            assert answer.status_code == status, target
            assert "99" in answer.text or answer.text in {"", "[]"}
