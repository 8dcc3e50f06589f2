"""PostgREST's official Python client against the PostgREST profile."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from postgrest import APIError, AsyncPostgrestClient, CountMethod

from pellucid.app import Deployment, create
from pellucid.database.capabilities import Capabilities
from pellucid.settings import Settings
from tests.conftest import Clone

pytestmark = pytest.mark.anyio

SCHEMA = """
create table films (id bigint primary key, title text not null, year int, tags text[], extra jsonb, unique (title));
alter table films enable row level security;
create policy everybody on films using (true) with check (true);
grant select, insert, update, delete on films to anon;
insert into films values (1, 'Metropolis', 1927, '{robot}', '{"country": "de"}'), (2, 'Alien', 1979, '{space}', '{"country": "uk"}'),
  (3, 'Ran', 1985, '{}', '{"country": "jp"}')
"""


@pytest.fixture
async def client(clone: Clone, admin: asyncpg.Connection, tmp_path: Path) -> AsyncIterator[AsyncPostgrestClient]:
    await admin.execute(SCHEMA)
    app = create(None, Settings(data=tmp_path), Deployment(clone.dsn, None, Capabilities()))
    async with app.router.lifespan_context(app):
        base = "http://127.0.0.1:8000/rest/v1"
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base)
        async with AsyncPostgrestClient(base, http_client=http) as client:
            yield client


async def test_reading(client: AsyncPostgrestClient) -> None:
    films = client.from_("films")
    answer = (
        await films.select("id, name:title", count=CountMethod.exact)
        .gte("year", 1979)
        .order("year", desc=True)
        .limit(1)
        .execute()
    )
    assert (answer.data, answer.count) == ([{"id": 3, "name": "Ran"}], 2)
    one = await client.from_("films").select("*").eq("id", 1).single().execute()
    assert one.data["title"] == "Metropolis"  # type: ignore[index,call-overload]
    assert await client.from_("films").select("*").eq("id", 9).maybe_single().execute() is None
    some = await client.from_("films").select("id").in_("title", ["Ran", "Alien"]).order("id").execute()
    assert some.data == [{"id": 2}, {"id": 3}]
    other = await client.from_("films").select("id").or_("year.lt.1930,title.like.R*").order("id").execute()
    assert other.data == [{"id": 1}, {"id": 3}]
    json = await client.from_("films").select("country:extra->>country").eq("extra->>country", "uk").execute()
    assert json.data == [{"country": "uk"}]
    page = await client.from_("films").select("id").order("id").range(1, 2).execute()
    assert page.data == [{"id": 2}, {"id": 3}]


async def test_writing(client: AsyncPostgrestClient) -> None:
    made = await client.from_("films").insert({"id": 4, "title": "Stalker"}).execute()
    assert made.data == [{"id": 4, "title": "Stalker", "year": None, "tags": None, "extra": None}]
    many = (
        await client.from_("films").insert([{"id": 5, "title": "a"}, {"id": 6, "title": "b", "year": 2000}]).execute()
    )
    assert [(row["id"], row["year"]) for row in many.data] == [(5, None), (6, 2000)]  # type: ignore[index,call-overload]
    changed = await client.from_("films").update({"year": 1979}).eq("id", 4).execute()
    assert changed.data[0]["year"] == 1979  # type: ignore[index,call-overload]
    merged = await client.from_("films").upsert({"id": 4, "title": "Solaris"}).execute()
    assert merged.data[0]["title"] == "Solaris"  # type: ignore[index,call-overload]
    kept = await client.from_("films").upsert({"id": 4, "title": "Ivan"}, ignore_duplicates=True).execute()
    assert kept.data == []
    gone = await client.from_("films").delete().eq("id", 4).execute()
    assert [row["id"] for row in gone.data] == [4]  # type: ignore[index,call-overload]


async def test_errors(client: AsyncPostgrestClient) -> None:
    with pytest.raises(APIError) as fault:
        await client.from_("films").insert({"id": 1, "title": "again"}).execute()
    assert fault.value.code == "23505"
    assert fault.value.details is None, "row level security is on, so PostgreSQL tells nobody which key is there"
    with pytest.raises(APIError) as fault:
        await client.from_("films").select("nothing").execute()
    assert (fault.value.code, fault.value.message) == ("42703", "column films.nothing does not exist")
    with pytest.raises(APIError) as fault:
        await client.from_("film").select("*").execute()
    assert fault.value.code == "PGRST205"
    assert fault.value.hint == "Perhaps you meant the table 'public.films'"
    with pytest.raises(APIError) as fault:
        await client.from_("films").select("*").single().execute()
    assert fault.value.code == "PGRST116"
