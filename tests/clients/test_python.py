"""PostgREST's official Python client against a running server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from postgrest import APIError, CountMethod, SyncPostgrestClient

pytestmark = pytest.mark.process

Ask = Callable[[SyncPostgrestClient], Any]


@pytest.fixture(scope="module")
def client(library: str) -> Iterator[SyncPostgrestClient]:
    with SyncPostgrestClient(library) as client:
        yield client


READING: list[tuple[str, Ask, Any]] = [
    (
        "all",
        lambda db: db.from_("genres").select("*").order("id"),
        [{"id": 1, "name": "novel"}, {"id": 2, "name": "philosophy"}],
    ),
    (
        "renamed",
        lambda db: db.from_("books").select("name:title", "year::text").eq("id", 3),
        [{"name": "Solaris", "year": "1961"}],
    ),
    ("from JSON", lambda db: db.from_("books").select("id").eq("extra->>language", "pl"), [{"id": 3}]),
    ("in", lambda db: db.from_("books").select("id").in_("title", ["Solaris", 'a, "b"']), [{"id": 3}]),
    (
        "any of",
        lambda db: db.from_("books").select("id").like_any_of("title", "%Lathe%,Sol%").order("id"),
        [{"id": 2}, {"id": 3}],
    ),
    (
        "or",
        lambda db: db.from_("books").select("id").or_("year.lt.1965,price.gt.10").order("id"),
        [{"id": 1}, {"id": 3}],
    ),
    ("not", lambda db: db.from_("books").select("id").not_.is_("printed", "null").order("id"), [{"id": 1}, {"id": 2}]),
    ("contains", lambda db: db.from_("books").select("id").contains("tags", ["ocean"]), [{"id": 3}]),
    ("contained", lambda db: db.from_("books").select("id").contained_by("tags", ["dream", "x"]), [{"id": 2}]),
    ("overlaps", lambda db: db.from_("books").select("id").ov("tags", ["moon"]), [{"id": 1}]),
    (
        "ranges",
        lambda db: db.from_("books").select("id").range_lt("printed", ("1973-01-01", "1975-01-01")),
        [{"id": 2}],
    ),
    ("web search", lambda db: db.from_("books").select("id").wfts("title", "lathe heaven"), [{"id": 2}]),
    ("page", lambda db: db.from_("books").select("id").order("id").range(1, 2), [{"id": 2}, {"id": 3}]),
    ("one", lambda db: db.from_("books").select("title").eq("id", 1).single(), {"title": "The Dispossessed"}),
    ("CSV", lambda db: db.from_("genres").select("id,name").order("id").csv(), "id,name\n1,novel\n2,philosophy"),
    (
        "embeds in embeds",
        lambda db: db.from_("authors").select("name, books(title, genres(name))").eq("id", 2),
        [{"name": "Stanislaw", "books": [{"title": "Solaris", "genres": [{"name": "novel"}, {"name": "philosophy"}]}]}],
    ),
    (
        "an embed ordered and limited",
        lambda db: (
            db.from_("authors")
            .select("books(id)")
            .eq("id", 1)
            .order("year", foreign_table="books")
            .limit(1, foreign_table="books")
        ),
        [{"books": [{"id": 2}]}],
    ),
    ("call", lambda db: db.rpc("add", {"a": 2, "b": 3}), 5),  # type: ignore[dict-item]
    ("call by GET", lambda db: db.rpc("add", {"a": 2, "b": 3}, get=True), 5),  # type: ignore[dict-item]
    (
        "call for rows",
        lambda db: db.rpc("books_after", {"after": "1972"}).select("title"),
        [{"title": "The Dispossessed"}],
    ),
]


@pytest.mark.parametrize(("ask", "data"), [each[1:] for each in READING], ids=[each[0] for each in READING])
def test_reading(client: SyncPostgrestClient, ask: Ask, data: object) -> None:
    answer = ask(client).execute()
    assert answer.data == data


def test_nobody(client: SyncPostgrestClient) -> None:
    assert client.from_("books").select("*").eq("id", 99).maybe_single().execute() is None


def test_counting(client: SyncPostgrestClient) -> None:
    for method in CountMethod:
        answer = client.from_("authors").select("id", count=method).limit(1).execute()
        assert (len(answer.data), answer.count is not None) == (1, True)
    assert client.from_("authors").select("*", count=CountMethod.exact, head=True).execute().count == 3


def test_writing(client: SyncPostgrestClient) -> None:
    genres = client.from_("genres")
    assert genres.insert({"id": 30, "name": "epic"}).execute().data == [{"id": 30, "name": "epic"}]
    assert len(genres.insert([{"id": 31, "name": "a"}, {"id": 32, "name": "b"}]).execute().data) == 2
    assert genres.update({"name": "saga"}).eq("id", 30).execute().data == [{"id": 30, "name": "saga"}]
    assert genres.upsert({"id": 30, "name": "myth"}).execute().data == [{"id": 30, "name": "myth"}]
    assert genres.upsert({"id": 30, "name": "?"}, ignore_duplicates=True).execute().data == []
    removed = genres.delete(count=CountMethod.exact).gte("id", 30).execute()
    assert (len(removed.data), removed.count) == (3, 3)


@pytest.mark.parametrize(
    ("ask", "code", "hint"),
    [
        (lambda db: db.from_("genres").insert({"id": 1, "name": "again"}), "23505", None),
        (lambda db: db.from_("books").select("nothing"), "42703", None),
        (lambda db: db.from_("bocks").select("*"), "PGRST205", "Perhaps you meant the table 'public.books'"),
        (lambda db: db.from_("books").select("*").single(), "PGRST116", None),
        (lambda db: db.from_("genres").select("*, authors(*)"), "PGRST200", None),
        (lambda db: db.rpc("refuse", {}), "PT402", "Upgrade your plan"),
    ],
)
def test_errors(client: SyncPostgrestClient, ask: Ask, code: str, hint: str | None) -> None:
    with pytest.raises(APIError) as fault:
        ask(client).execute()
    assert (fault.value.code, fault.value.hint) == (code, hint)
