import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from pellucid.auth.tokens import Tokens
from pellucid.database.capabilities import Capabilities, Feature, Missing
from pellucid.database.core import Database

KEYS_ROUTE = ("get", "/.well-known/jwks.json")
ROUTES = [
    ("post", "/signup"),
    ("post", "/login"),
    ("post", "/token"),
    ("get", "/users"),
    ("get", "/users/me"),
    ("get", "/users/{id}"),
    KEYS_ROUTE,
]
NOBODY = "0198c0de-0000-7000-8000-000000000001"


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def problem(answer: httpx.Response, mentioned: str) -> dict[str, Any]:
    """The body without what differs between any two requests."""
    body: dict[str, Any] = json.loads(answer.text.replace(mentioned, ""))
    return {name: value for name, value in body.items() if name != "request_id"}


@pytest.fixture
async def people(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    """Two accounts, each with the headers that prove it."""
    found = {}
    for name in ("ada", "grace"):
        entry = {"email": f"{name}@example.com", "password": f"the engine of {name}"}
        await client.post("/signup", json=entry)
        answer = (await client.post("/login", json=entry)).json()
        found[name] = answer["user"] | {"headers": bearing(answer["access_token"])}
    return found


@pytest.fixture
def service(tokens: Tokens) -> dict[str, str]:
    return bearing(tokens.issue(None, role="service_role").text)


async def test_an_account_sees_itself(client: httpx.AsyncClient, people: dict[str, Any]) -> None:
    ada = people["ada"]
    shown = {name: value for name, value in ada.items() if name != "headers"}
    for path in (f"/users/{ada['id']}", "/users/me"):
        answer = await client.get(path, headers=ada["headers"])
        assert (answer.status_code, answer.json()) == (200, shown)
    for path in ("/users", f"/users?id={ada['id']}", "/users?limit=10"):
        answer = await client.get(path, headers=ada["headers"])
        assert (answer.status_code, answer.json()) == (200, [shown])


async def test_an_account_sees_no_other_and_cannot_tell_it_from_none(
    client: httpx.AsyncClient, people: dict[str, Any]
) -> None:
    ada, grace = people["ada"], people["grace"]
    others = await client.get(f"/users/{grace['id']}", headers=ada["headers"])
    nobodys = await client.get(f"/users/{NOBODY}", headers=ada["headers"])
    assert others.status_code == nobodys.status_code == 404
    assert problem(others, grace["id"]) == problem(nobodys, NOBODY)
    listed = await client.get("/users", params={"id": grace["id"]}, headers=ada["headers"])
    assert (listed.status_code, listed.json()) == (200, [])
    assert grace["email"] not in (await client.get("/users?offset=0&limit=1000", headers=ada["headers"])).text


async def test_the_service_role_sees_all_in_order_and_page_by_page(
    client: httpx.AsyncClient, people: dict[str, Any], service: dict[str, str]
) -> None:
    everybody = (await client.get("/users", headers=service)).json()
    assert [user["email"] for user in everybody] == ["ada@example.com", "grace@example.com"]
    assert (await client.get("/users?limit=1", headers=service)).json() == everybody[:1]
    assert (await client.get("/users?limit=1&offset=1", headers=service)).json() == everybody[1:]
    assert (await client.get(f"/users/{people['grace']['id']}", headers=service)).json() == everybody[1]


async def test_a_list_is_one_statement_and_never_reads_a_hash(
    client: httpx.AsyncClient, people: dict[str, Any], service: dict[str, str], database: Database
) -> None:
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    answer = await client.get("/users", headers=service)
    asked = [statement for statement in statements if "set_config" not in statement]
    assert len(asked) == 1
    for text in (asked[0], answer.text):
        assert "password" not in text
        assert "hash" not in text


async def test_a_service_has_no_account_of_its_own(client: httpx.AsyncClient, service: dict[str, str]) -> None:
    assert (await client.get("/users/me", headers=service)).status_code == 403


async def test_an_account_that_is_gone_sees_nothing(
    client: httpx.AsyncClient, people: dict[str, Any], tokens: Tokens
) -> None:
    gone = bearing(tokens.issue(UUID(NOBODY)).text)
    assert (await client.get("/users/me", headers=gone)).status_code == 404
    assert (await client.get("/users", headers=gone)).json() == []


@pytest.mark.parametrize("path", ["/users", "/users/me", f"/users/{NOBODY}", f"/users?id={NOBODY}"])
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer stale", "Basic YTpi"])
async def test_nobody_sees_nothing_and_is_told_how_to_sign_in(
    client: httpx.AsyncClient, people: dict[str, Any], path: str, header: str | None
) -> None:
    answer = await client.get(path, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert ("error=" in answer.headers["www-authenticate"]) == (header is not None)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "example.com" not in answer.text


@pytest.mark.parametrize("role", ["postgres", "pellucid_accounts", "authenticator", "nobody"])
async def test_no_token_reaches_accounts_through_an_inner_role(
    client: httpx.AsyncClient, people: dict[str, Any], tokens: Tokens, role: str
) -> None:
    answer = await client.get("/users", headers=bearing(tokens.issue(UUID(NOBODY), role=role).text))
    assert answer.status_code == 401
    assert "example.com" not in answer.text


async def test_the_anonymous_role_in_a_token_sees_nothing(
    client: httpx.AsyncClient, people: dict[str, Any], tokens: Tokens
) -> None:
    answer = await client.get("/users", headers=bearing(tokens.issue(UUID(NOBODY), role="anon").text))
    assert answer.status_code in (200, 401, 403)
    assert "example.com" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "id=1",
        "id=",
        "limit=0",
        "limit=1001",
        "limit=x",
        "offset=-1",
        "offset=99999999999",
        "select=*",
        "email=ada@example.com",
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, people: dict[str, Any], query: str
) -> None:
    answer = await client.get(f"/users?{query}", headers=people["ada"]["headers"])
    assert answer.status_code == 422
    assert answer.json()["errors"]


@pytest.mark.parametrize("path", ["/users/1", "/users/%00", "/users/' or 1=1"])
async def test_an_id_that_is_none_is_refused(client: httpx.AsyncClient, people: dict[str, Any], path: str) -> None:
    assert (await client.get(path, headers=people["ada"]["headers"])).status_code == 422


# -- keys -----------------------------------------------------------------------------------------------------------


async def test_the_published_keys_check_what_sign_in_gave(
    client: httpx.AsyncClient, people: dict[str, Any], tokens: Tokens
) -> None:
    answer = await client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert key["kid"] == tokens.keys.signing.id


async def test_openapi_describes_every_route_with_its_errors(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    for route in ROUTES:
        operation = operations[route]
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        assert route == KEYS_ROUTE or "503" in operation["responses"]
    for path in ("/users", "/users/me", "/users/{id}"):
        assert operations["get", path]["security"]
        assert {"200", "401", "422"} <= operations["get", path]["responses"].keys()
    assert {"201", "400", "409", "413", "415", "422"} <= operations["post", "/signup"]["responses"].keys()
    password = document["components"]["schemas"]["SignUp"]["properties"]["password"]
    assert (password["format"], password["writeOnly"], password["minLength"]) == ("password", True, 8)
    assert list(operations["post", "/token"]["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]


async def test_where_the_database_has_no_room_for_accounts_they_say_so(
    app: FastAPI, client: httpx.AsyncClient, service: dict[str, str]
) -> None:
    lacking = Missing("the right to create the schema auth", "GRANT CREATE ON DATABASE …", Feature.ACCOUNTS)
    app.state.accounts.database.capabilities = Capabilities(180000, (lacking,))
    entry = {"email": "ada@example.com", "password": "an engine of brass"}
    for method, path, sent in (
        ("POST", "/signup", {"json": entry}),
        ("POST", "/login", {"json": entry}),
        ("POST", "/token", {"data": {"grant_type": "password"}}),
        ("GET", "/users", {"headers": service}),
        ("GET", f"/users/{NOBODY}", {"headers": service}),
        ("GET", "/users/me", {"headers": service}),
    ):
        answer = await client.request(method, path, **sent)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["code"]) == (503, "feature-off")
        assert "the right to create the schema auth" in answer.json()["detail"]
    assert (await client.get("/.well-known/jwks.json")).status_code == 200
