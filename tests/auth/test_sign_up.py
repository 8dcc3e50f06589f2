import asyncio
from io import StringIO
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import event, select

from pellucid.auth.tables import Password, User
from pellucid.database.caller import ACCOUNTS, Caller
from pellucid.database.core import Database
from pellucid.errors import Denied

BREAK = """
create function auth.break() returns trigger language plpgsql as $$
begin raise exception 'broken by the test' using errcode = 'XX000'; end $$;
create trigger break before insert on auth.passwords for each row execute function auth.break();
"""
ADA = {"email": "ada@example.com", "password": "an engine of brass"}


async def stored(database: Database) -> list[tuple[str, str]]:
    async with database.read(ACCOUNTS) as session:
        rows = await session.execute(select(User.email, Password.hash).join(User.password).order_by(User.email))
        return [(row.email, row.hash) for row in rows]


async def test_sign_up_answers_with_the_account_and_its_address(client: httpx.AsyncClient) -> None:
    answer = await client.post("/signup", json=ADA)
    assert answer.status_code == 201
    user = answer.json()
    assert set(user) == {"id", "email", "email_verified_at", "role", "created_at", "updated_at", "last_sign_in_at"}
    assert (user["email"], user["role"]) == ("ada@example.com", "authenticated")
    assert user["email_verified_at"] is user["last_sign_in_at"] is None
    assert UUID(user["id"]).version == 7
    assert answer.headers["location"] == f"/users/{user['id']}"


async def test_what_is_stored_is_a_hash_of_its_own_and_what_is_answered_is_neither(
    client: httpx.AsyncClient, database: Database
) -> None:
    answers = [
        await client.post("/signup", json=ADA | {"email": email}) for email in ("a@example.com", "b@example.com")
    ]
    (_, one), (_, two) = await stored(database)
    assert one.startswith("$argon2id$v=19$")
    assert one != two
    for answer in answers:
        for secret in (ADA["password"], "argon2", one, two, "hash", "password"):
            assert secret not in answer.text
            assert secret not in str(answer.headers)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("ZOË@example.com", "zoë@example.com"),
        ("zoe\u0308@example.com", "zoë@example.com"),
        ("ada@EXÄMPLE.com", "ada@exämple.com"),
        ("ada@xn--exmple-cua.com", "ada@exämple.com"),
    ],
)
async def test_an_address_is_stored_in_one_spelling_and_taken_once(
    client: httpx.AsyncClient, typed: str, kept: str
) -> None:
    first = await client.post("/signup", json=ADA | {"email": typed})
    assert (first.status_code, first.json()["email"]) == (201, kept)
    assert (await client.post("/signup", json=ADA | {"email": kept})).status_code == 409
    assert (await client.post("/login", json=ADA | {"email": typed})).status_code == 200


async def test_an_address_that_is_taken_is_a_clear_conflict(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/signup", json=ADA)
    before = await stored(database)
    answer = await client.post("/signup", json={"email": "ADA@example.com", "password": "another engine"})
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["detail"] == "This e-mail address has an account already."
    assert "/login" in problem["hint"]
    assert [fault["field"] for fault in problem["errors"]] == ["email"]
    for secret in ("users_", "Key (", "INSERT", "another engine", "$argon2"):
        assert secret not in answer.text
    assert await stored(database) == before


async def test_of_many_at_once_with_one_address_one_gets_it(client: httpx.AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(
        *(client.post("/signup", json=ADA | {"password": f"engine number {i}"}) for i in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert len(await stored(database)) == 1
    winner = next(i for i, answer in enumerate(answers) if answer.status_code == 201)
    assert (await client.post("/login", json=ADA | {"password": f"engine number {winner}"})).status_code == 200


FIELDS: list[tuple[dict[str, Any], set[str], str]] = [
    ({}, {"email", "password"}, "Add this field"),
    (ADA | {"email": "ada"}, {"email"}, "@"),
    (ADA | {"email": ""}, {"email"}, "@"),
    (ADA | {"email": "a@b@c.com"}, {"email"}, "@"),
    (ADA | {"email": "Ada <ada@example.com>"}, {"email"}, "email address"),
    (ADA | {"email": "ada@example.com\0"}, {"email"}, "invalid characters"),
    (ADA | {"email": "ada@localhost"}, {"email"}, ""),
    (ADA | {"email": "ada@[127.0.0.1]"}, {"email"}, ""),
    (ADA | {"email": "a\r\nBcc: b@example.com"}, {"email"}, ""),
    (ADA | {"email": "a" * 250 + "@example.com"}, {"email"}, "254"),
    (ADA | {"email": ["ada@example.com"]}, {"email"}, "Send text"),
    (ADA | {"email": None}, {"email"}, "Send text"),
    (ADA | {"password": "short"}, {"password"}, "at least 8"),
    (ADA | {"password": "x7" * 513}, {"password"}, "1024"),
    (ADA | {"password": "éè" * 300}, {"password"}, "1024"),
    (ADA | {"password": "Password1"}, {"password"}, "tried first"),
    (ADA | {"password": "ADA@example.com"}, {"password"}, "is the e-mail address"),
    (ADA | {"password": 12345678}, {"password"}, "Send text"),
    (ADA | {"password": {"$ne": ""}}, {"password"}, "Send text"),
    (ADA | {"role": "service_role"}, {"role"}, "Leave this field out"),
    (ADA | {"id": "0198c0de-0000-7000-8000-000000000001"}, {"id"}, "Leave this field out"),
    ({"email": "ada", "password": "short", "admin": True}, {"email", "password", "admin"}, ""),
]


@pytest.mark.parametrize(
    ("body", "fields", "says"), FIELDS, ids=lambda value: str(value)[:60] if isinstance(value, dict) else ""
)
async def test_every_bad_field_is_named_and_what_was_typed_is_not_repeated(
    client: httpx.AsyncClient, database: Database, body: dict[str, Any], fields: set[str], says: str
) -> None:
    answer = await client.post("/signup", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {fault["field"] for fault in answer.json()["errors"]} == fields
    assert says in answer.text
    assert ADA["password"] not in answer.text
    assert "x7x7" not in answer.text
    assert await stored(database) == []


async def test_half_a_surrogate_pair_is_no_password_and_no_address(client: httpx.AsyncClient) -> None:
    for body in (
        r'{"email":"ada@example.com","password":"\ud800 and more"}',
        r'{"email":"a\ud800@example.com","password":"an engine of brass"}',
    ):
        answer = await client.post("/signup", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/signup", "/login"])
@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (None, b'{"email":"ada@example.com","password":"an engine of brass"}', 415),
        ("text/plain", b'{"email":"ada@example.com","password":"an engine of brass"}', 415),
        ("application/x-www-form-urlencoded", b"email=ada@example.com&password=an+engine+of+brass", 415),
        ("application/json", b'{"email":', 400),
        ("application/json", b"\xff", 400),
        ("application/json", b"", 422),
        ("application/json", b"[]", 422),
    ],
)
async def test_only_json_that_says_so_is_read(
    client: httpx.AsyncClient, path: str, content_type: str | None, body: bytes, status: int
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert (await client.post(path, content=body, headers=headers)).status_code == status


async def test_sign_up_is_a_handful_of_statements_and_reading_back_does_not_touch_the_hash(
    client: httpx.AsyncClient, database: Database
) -> None:
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    await client.post("/signup", json=ADA)
    asked = [each for each in statements if "set_config" not in each and "auth.factors.secret" not in each]
    assert [statement.split()[0] for statement in asked] == ["with", "insert", "insert", "SELECT", "INSERT"]
    assert "passwords" not in asked[3]


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
async def test_no_role_of_a_request_can_reach_a_hash(client: httpx.AsyncClient, database: Database, role: str) -> None:
    await client.post("/signup", json=ADA)
    with pytest.raises(Denied):
        async with database.read(Caller(role)) as session:
            await session.execute(select(Password.hash))


async def test_nothing_secret_is_logged(client: httpx.AsyncClient, written: StringIO) -> None:
    canary = {"email": "ada@example.com", "password": "canary-in-a-mine"}
    await client.post("/signup", json=canary)
    await client.post("/signup", json=canary)
    await client.post("/signup", json=canary | {"email": "no address"})
    await client.post("/login", json=canary)
    await client.post("/login", json=canary | {"password": "canary-in-a-cage"})
    await client.post(
        "/token", data={"grant_type": "password", "username": "ada@example.com", "password": "canary-in-a-mine"}
    )
    for secret in ("canary", "$argon2", "eyJ"):
        assert secret not in written.getvalue()


@pytest.fixture
async def broken(admin: asyncpg.Connection) -> None:
    """A database that fails of itself whenever a hash is stored."""
    await admin.execute(BREAK)


async def test_nothing_secret_is_logged_or_told_when_the_database_fails(
    client: httpx.AsyncClient, broken: None, written: StringIO, database: Database
) -> None:
    answer = await client.post("/signup", json={"email": "ada@example.com", "password": "canary-in-a-mine"})
    assert answer.status_code == 500
    assert "broken by the test" in written.getvalue()
    for secret in ("canary", "$argon2"):
        assert secret not in written.getvalue()
        assert secret not in answer.text
    assert "INSERT" not in answer.text
    async with database.read(ACCOUNTS) as session:
        assert (await session.scalars(select(User))).all() == []
