"""What users' own routes get: sessions that commit before the first byte, and the caller."""

import re
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from starlette.types import Message, Receive, Scope, Send

from pellucid.auth.tokens import Tokens
from pellucid.errors import Unavailable
from pellucid.web.dependencies import Identity, ReadSession, User, WriteSession
from tests.web.site import Site

pytestmark = pytest.mark.anyio

TABLES = """
create table author (id int primary key);
create table book (
  id int primary key,
  author int constraint written references author deferrable initially deferred
);
grant all on author, book to anon, authenticated;
"""


@pytest.fixture
async def site(living: Site, admin: asyncpg.Connection) -> Site:
    await admin.execute(TABLES)
    return living


async def books(admin: asyncpg.Connection) -> int:
    return int(await admin.fetchval("select count(*) from book"))


def insert(author: int | None = None) -> str:
    return f"insert into book values ((select coalesce(max(id), 0) + 1 from book), {author or 'null'})"


async def test_what_a_route_writes_is_there_when_it_answers(site: Site, admin: asyncpg.Connection) -> None:
    @site.app.post("/books", status_code=201)
    async def add(session: WriteSession) -> str:
        await session.execute(text(insert()))
        return "added"

    async with site.client() as client:
        response = await client.post("/books")
    assert (response.status_code, await books(admin)) == (201, 1)
    assert re.findall(r"(\w+);dur", response.headers["server-timing"]) == [
        "server", "identity", "pool", "session", "execute", "commit", "total",
    ]  # fmt: skip


async def test_a_commit_that_fails_is_an_error_and_never_a_success(site: Site, admin: asyncpg.Connection) -> None:
    @site.app.post("/books", status_code=201)
    async def add(session: WriteSession) -> str:
        await session.execute(text(insert(author=404)))
        return "added"

    async with site.client() as client:
        response = await client.post("/books")
    assert (response.status_code, response.json()["code"]) == (409, "broken-reference")
    assert await books(admin) == 0


async def test_a_commit_that_fails_stops_a_stream_before_its_first_byte(site: Site, admin: asyncpg.Connection) -> None:
    async def rows() -> AsyncIterator[bytes]:
        yield b"streamed"

    @site.app.post("/books")
    async def add(session: WriteSession) -> StreamingResponse:
        await session.execute(text(insert(author=404)))
        return StreamingResponse(rows())

    async with site.client() as client:
        response = await client.post("/books")
    assert response.status_code == 409
    assert b"streamed" not in response.content


async def test_a_response_that_does_not_fit_rolls_back(site: Site, admin: asyncpg.Connection) -> None:
    @site.app.post("/books", response_model=int)
    async def add(session: WriteSession) -> str:
        await session.execute(text(insert()))
        return "no number"

    async with site.client() as client:
        response = await client.post("/books")
    assert (response.status_code, await books(admin)) == (500, 0)


@pytest.mark.parametrize(
    ("fault", "status"), [(HTTPException(418), 418), (Unavailable("Not now."), 503), (RuntimeError("no"), 500)]
)
async def test_a_route_that_raises_rolls_back(
    site: Site, admin: asyncpg.Connection, fault: Exception, status: int
) -> None:
    @site.app.post("/books")
    async def add(session: WriteSession) -> None:
        await session.execute(text(insert()))
        raise fault

    async with site.client() as client:
        response = await client.post("/books")
    assert (response.status_code, await books(admin)) == (status, 0)


async def test_a_client_that_leaves_before_the_answer_changes_nothing_about_the_commit(
    site: Site, admin: asyncpg.Connection
) -> None:
    """Sending fails when the row is there already; that is what a client that left cannot know."""

    @site.app.post("/books")
    async def add(session: WriteSession) -> str:
        await session.execute(text(insert()))
        return "added"

    committed: list[int] = []

    async def send(message: Message) -> None:
        committed.append(await books(admin))
        raise OSError("the client is gone")

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await _post(site, "/books", receive, send)
    assert committed[0] == 1
    assert await books(admin) == 1


async def _post(site: Site, path: str, receive: Receive, send: Send) -> None:
    scope: Scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1", "scheme": "http", "root_path": "",
        "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    with pytest.raises(OSError, match="gone"):
        await site.install()(scope, receive, send)


async def test_a_session_that_reads_cannot_write(site: Site, admin: asyncpg.Connection) -> None:
    @site.app.post("/books")
    async def add(session: ReadSession) -> None:
        await session.execute(text(insert()))

    async with site.client() as client:
        response = await client.post("/books")
    assert (response.status_code, response.json()["code"]) == (405, "read-only")
    assert await books(admin) == 0


async def test_a_duplicate_is_a_conflict_with_a_way_out(site: Site, admin: asyncpg.Connection) -> None:
    await admin.execute("insert into author values (1)")

    @site.app.post("/authors")
    async def add(session: WriteSession) -> None:
        await session.execute(text("insert into author values (1)"))

    async with site.client() as client:
        response = await client.post("/authors")
    assert response.status_code == 409
    assert response.json()["errors"][0]["field"] == "id"
    assert response.json()["database"]["sqlstate"] == "23505"
    assert "insert into" not in response.text


async def test_sessions_carry_the_callers_role_and_claims(site: Site, tokens: Tokens) -> None:
    @site.app.get("/who")
    async def who(session: ReadSession) -> list[str]:
        row = await session.execute(text("select current_user, current_setting('request.jwt.claims')::json->>'sub'"))
        return [str(value) for value in row.one()]

    user = uuid4()
    async with site.client() as client:
        assert (await client.get("/who")).json() == ["anon", "None"]
        signed = {"Authorization": f"Bearer {tokens.issue(user).text}"}
        assert (await client.get("/who", headers=signed)).json() == ["authenticated", str(user)]
        assert (await client.get("/who")).json() == ["anon", "None"]
    assert [exchange.role for exchange in site.exchanges] == ["anon", "authenticated", "anon"]


async def test_the_caller_is_identified_once_a_request(site: Site, tokens: Tokens) -> None:
    @site.app.get("/me")
    async def me(user: User, again: Identity, reading: ReadSession, writing: WriteSession) -> UUID | None:
        assert user is again
        return user.user_id

    user = uuid4()
    async with site.client() as client:
        response = await client.get("/me", headers={"Authorization": f"Bearer {tokens.issue(user).text}"})
        assert response.json() == str(user)
        assert response.headers["server-timing"].count("identity") == 1


async def test_strangers_are_asked_to_sign_in(site: Site, tokens: Tokens) -> None:
    @site.app.get("/me")
    async def me(user: User) -> UUID | None:
        return user.user_id

    async with site.client() as client:
        nobody = await client.get("/me")
        assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
        assert "/login" in nobody.json()["hint"]
        forged = await client.get("/me", headers={"Authorization": "Bearer abc.def.ghi"})
        assert forged.status_code == 401
        assert 'error="invalid_token"' in forged.headers["www-authenticate"]
        service = await client.get(
            "/me", headers={"Authorization": f"Bearer {tokens.issue(None, role='service_role').text}"}
        )
        assert service.status_code == 403
        twice = await client.get("/me", headers=[("Authorization", "Bearer a"), ("Authorization", "Bearer b")])
        assert (twice.status_code, twice.json()["code"]) == (400, "bad-request")


async def test_openapi_knows_how_to_sign_in(site: Site) -> None:
    @site.app.get("/me")
    async def me(user: User) -> str:
        return "me"

    document = site.install().openapi()
    [scheme] = document["components"]["securitySchemes"].values()
    assert scheme["type"] == "oauth2"
    assert scheme["flows"]["password"]["tokenUrl"] == "/token"
    assert document["paths"]["/me"]["get"]["security"]
