import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, select

from pellucid.auth.passwords import PasswordOptions, Passwords
from pellucid.auth.service import Accounts
from pellucid.auth.tables import Password
from pellucid.auth.tokens import Tokens
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import WrongCredentials

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
FORM = {"grant_type": "password", "username": ADA["email"], "password": ADA["password"]}


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/signup", json=ADA)
    user: dict[str, Any] = answer.json()
    return user


def assert_never_kept(answer: httpx.Response) -> None:
    assert answer.headers["cache-control"] == "no-store"


def told(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, body and headers, without what differs between any two requests."""
    request_id = answer.headers["x-request-id"]
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "server-timing")}
    return answer.status_code, answer.text.replace(request_id, ""), str(headers)


async def only_hash(database: Database) -> str:
    async with database.read(ACCOUNTS) as session:
        return str((await session.scalars(select(Password.hash))).one())


async def test_sign_in_gives_a_token_that_says_who(
    client: httpx.AsyncClient, ada: dict[str, Any], tokens: Tokens
) -> None:
    answer = await client.post("/login", json=ADA)
    assert answer.status_code == 200
    assert_never_kept(answer)
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "user"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 1800)
    claims = tokens.verify(body["access_token"]).claims
    assert (claims["sub"], claims["email"], claims["role"]) == (ada["id"], ADA["email"], "authenticated")


@pytest.mark.parametrize("path", ["/login", "/signup"])
async def test_a_large_entry_is_not_read(client: httpx.AsyncClient, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b'{"key":' * 1000

    for content in (b"[" * 140_000, endless()):
        answer = await client.post(path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413


async def test_many_wrong_fields_are_not_all_told(client: httpx.AsyncClient) -> None:
    answer = await client.post("/login", json={f"k{number}": 1 for number in range(5000)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 100


async def test_sign_in_answers_with_the_account_and_notes_the_moment(
    client: httpx.AsyncClient, ada: dict[str, Any]
) -> None:
    user = (await client.post("/login", json=ADA)).json()["user"]
    assert user["id"] == ada["id"]
    assert user["last_sign_in_at"] is not None
    later = (await client.post("/login", json=ADA)).json()["user"]
    assert later["last_sign_in_at"] > user["last_sign_in_at"]


async def test_neither_password_nor_hash_comes_back(
    client: httpx.AsyncClient, ada: dict[str, Any], database: Database
) -> None:
    hashed = await only_hash(database)
    for answer in (await client.post("/login", json=ADA), await client.post("/token", data=FORM)):
        for secret in (ADA["password"], hashed, "argon2"):
            assert secret not in answer.text
            assert secret not in str(answer.headers)


WRONG: list[dict[str, str]] = [
    ADA | {"password": "an engine of Brass"},
    ADA | {"password": ""},
    ADA | {"email": "nobody@example.com"},
    ADA | {"email": "not an address"},
    ADA | {"email": ""},
    ADA | {"email": "ada@example.com\0"},
    ADA | {"email": "' or 1=1 --"},
    {"email": "nobody@example.com", "password": ""},
]


async def test_whatever_is_wrong_status_body_headers_and_work_are_the_same(
    client: httpx.AsyncClient, ada: dict[str, Any], app: FastAPI, database: Database
) -> None:
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    worked = app.state.accounts.passwords.worked
    seen: set[tuple[Any, ...]] = set()
    for attempt in WRONG:
        worked.clear()
        statements.clear()
        answer = await client.post("/login", json=attempt)
        seen.add((*told(answer), frozenset(worked.items()), tuple(statements)))
    assert len(seen) == 1
    (status, body, _, work, asked) = seen.pop()
    assert status == 401
    assert "wrong-credentials" in body
    assert dict(work) == {("argon2id", 64, 1, 1): 1}
    assert len([statement for statement in asked if "set_config" not in statement]) == 4


async def test_the_form_answers_alike_too(client: httpx.AsyncClient, ada: dict[str, Any], app: FastAPI) -> None:
    worked = app.state.accounts.passwords.worked
    seen = set()
    for attempt in WRONG:
        worked.clear()
        answer = await client.post(
            "/token", data=FORM | {"username": attempt["email"], "password": attempt["password"]}
        )
        seen.add((*told(answer), frozenset(worked.items())))
    assert len(seen) == 1


async def test_a_stronger_cost_is_applied_at_the_next_sign_in(
    client: httpx.AsyncClient, ada: dict[str, Any], app: FastAPI, database: Database, tokens: Tokens
) -> None:
    weak = await only_hash(database)
    app.state.accounts = Accounts(database, Passwords(PasswordOptions(passes=2, memory=128, lanes=1)), tokens)
    assert (await client.post("/login", json=ADA | {"password": "a wrong password"})).status_code == 401
    assert await only_hash(database) == weak
    assert (await client.post("/login", json=ADA)).status_code == 200
    strong = await only_hash(database)
    assert "m=128,t=2,p=1" in strong
    assert (await client.post("/login", json=ADA)).status_code == 200
    assert await only_hash(database) == strong


async def test_a_password_changed_meanwhile_is_not_put_back(
    ada: dict[str, Any], app: FastAPI, database: Database
) -> None:
    accounts: Accounts = app.state.accounts
    current = await only_hash(database)
    user, _ = await accounts.credentials.of(ADA["email"])
    assert user is not None
    await accounts.credentials.replace(user.id, "an older hash", "overwritten")
    assert await only_hash(database) == current


async def test_an_account_deleted_meanwhile_is_not_let_in(
    ada: dict[str, Any], app: FastAPI, admin: asyncpg.Connection
) -> None:
    accounts: Accounts = app.state.accounts
    user, _ = await accounts.credentials.of(ADA["email"])
    assert user is not None
    await admin.execute("delete from auth.users")
    with pytest.raises(WrongCredentials):
        await accounts.door.let_in(user, "password")


async def test_no_connection_is_held_while_a_password_is_worked_through(
    ada: dict[str, Any], app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    held: list[int] = []
    passwords = app.state.accounts.passwords
    fits = passwords._fits

    def watched(candidate: str, hashed: str) -> bool:
        held.append(database.engine.pool.taken)  # type: ignore[attr-defined]
        return bool(fits(candidate, hashed))

    passwords._fits = watched
    assert (await client.post("/login", json=ADA)).status_code == 200
    assert held == [0]


async def test_many_sign_in_at_once(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    answers = await asyncio.gather(*(client.post("/login", json=ADA) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["access_token"] for answer in answers}) == 20


async def test_sign_in_ignores_a_stale_token(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    answer = await client.post("/login", json=ADA, headers={"Authorization": "Bearer stale"})
    assert answer.status_code == 200


async def test_a_surplus_or_missing_field_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/login", json={"email": "ada@example.com", "remember": True})
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["errors"]} == {"password", "remember"}


# -- the form of OAuth 2.0 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic " + base64.b64encode(b":").decode(), "X-Requested-With": "XMLHttpRequest"}]
)
async def test_the_form_gives_a_token_as_swagger_asks_for_it(
    client: httpx.AsyncClient, ada: dict[str, Any], tokens: Tokens, headers: dict[str, str]
) -> None:
    answer = await client.post(
        "/token", data=FORM | {"scope": "", "client_id": "", "client_secret": ""}, headers=headers
    )
    assert answer.status_code == 200
    assert_never_kept(answer)
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert tokens.verify(body["access_token"]).claims["sub"] == ada["id"]


def without(*names: str, **others: str) -> dict[str, str]:
    return {name: value for name, value in (FORM | others).items() if name not in names}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (without("grant_type"), "invalid_request"),
        (without("username"), "invalid_request"),
        (without("password"), "invalid_request"),
        (without(username="a" * 300), "invalid_request"),
        (without(password="x" * 2000), "invalid_request"),
        (without(grant_type="client_credentials"), "unsupported_grant_type"),
        (without(grant_type="refresh_token"), "invalid_request"),
        (without(grant_type="refresh_token", refresh_token="of nobody"), "invalid_grant"),
        (without(password="a wrong password"), "invalid_grant"),
        (without(username="nobody@example.com"), "invalid_grant"),
        ({}, "invalid_request"),
    ],
)
async def test_the_form_is_refused_in_the_words_of_the_standard(
    client: httpx.AsyncClient, ada: dict[str, Any], form: dict[str, str], error: str
) -> None:
    answer = await client.post("/token", data=form)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert_never_kept(answer)
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == error
    assert ADA["password"] not in answer.text


async def test_the_same_fields_may_come_as_json(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    first = await client.post("/token", json=FORM)
    assert first.status_code == 200
    again = await client.post(
        "/token", json={"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
    )
    assert again.status_code == 200
    assert again.json()["refresh_token"] != first.json()["refresh_token"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"grant_type=password&username=a&username=b&password=c"),
        ("application/x-www-form-urlencoded", b"grant_type=password&username=%ff&password=c"),
        ("application/x-www-form-urlencoded", b"\xff"),
        ("application/x-www-form-urlencoded", b"a=1&" * 1000),
        ("application/x-www-form-urlencoded", b"password=" + b"x" * 200_000),
        (
            "application/json",
            b'{"grant_type":"password","username":"ada@example.com","password":["an engine of brass"]}',
        ),
        ("application/json", b'["grant_type"]'),
        ("application/json", b"{"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b"grant_type=password&username=ada@example.com&password=an+engine+of+brass"),
    ],
)
async def test_what_is_no_plain_form_is_an_invalid_request(
    client: httpx.AsyncClient, ada: dict[str, Any], content_type: str, body: bytes
) -> None:
    answer = await client.post("/token", content=body, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
