import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from pellucid.auth.identifier import BearerIdentifier
from pellucid.auth.keys import generate_key, parse_keys, shared_secret
from pellucid.auth.tokens import TokenOptions, Tokens
from pellucid.errors import ClaimsRefused, RoleRefused, TokenRequired, Unauthenticated
from pellucid.web.identity import Identifier

USER = UUID("0198c0de-0000-7000-8000-000000000001")
SECRET = b"a secret that is long enough for HS256"
ROLES = {
    "anon",
    "authenticated",
    "service_role",
    "editor",
    "postgres",
    "authenticator",
    "pellucid_accounts",
    "pg_monitor",
}
TOKENS = Tokens(TokenOptions(), parse_keys(generate_key(), origin="test"))


@pytest.fixture
def identifier() -> Identifier:
    return BearerIdentifier(TOKENS, lambda: ROLES)


async def test_no_header_is_the_anonymous_role(identifier: Identifier) -> None:
    nobody = await identifier.identify(None)
    assert (nobody.role, nobody.authenticated, nobody.user_id) == ("anon", False, None)
    assert json.loads(nobody.claims_json) == {"role": "anon"}


async def test_the_anonymous_role_has_the_configured_name() -> None:
    nobody = await BearerIdentifier(TOKENS, lambda: ROLES, 'web"anon').identify(None)
    assert nobody.role == 'web"anon'
    assert json.loads(nobody.claims_json) == {"role": 'web"anon'}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_bearer_token_is_its_account(identifier: Identifier, scheme: str) -> None:
    who = await identifier.identify(f"{scheme} {TOKENS.issue(USER, email='ada@example.com').text}")
    assert (who.role, who.authenticated, who.user_id) == ("authenticated", True, USER)
    assert json.loads(who.claims_json)["email"] == "ada@example.com"
    assert who.caller.role == "authenticated"
    assert who.caller.claims == who.claims_json


@pytest.mark.parametrize("role", ["anon", "service_role", "editor"])
async def test_any_role_that_requests_may_take_is_accepted(identifier: Identifier, role: str) -> None:
    assert (await identifier.identify(f"Bearer {TOKENS.issue(USER, role=role).text}")).role == role


@pytest.mark.parametrize(
    "role", ["nobody", "postgres", "authenticator", "pellucid_accounts", "pg_monitor", "Authenticated", 'x";--']
)
async def test_any_other_role_is_refused_even_where_the_database_would_give_it(
    identifier: Identifier, role: str
) -> None:
    with pytest.raises(ClaimsRefused) as caught:
        await identifier.identify(f"Bearer {TOKENS.issue(USER, role=role).text}")
    assert role not in caught.value.message
    assert caught.value.headers["WWW-Authenticate"] == "Bearer"


async def test_a_role_that_is_refused_is_told_as_postgrest_does() -> None:
    identifier = BearerIdentifier(Tokens(TokenOptions(secret=SECRET), shared_secret(SECRET)), lambda: ROLES)
    for claims, role in (({"role": "not there"}, "not there"), ({"role": ["a"]}, '["a"]')):
        with pytest.raises(RoleRefused) as caught:
            await identifier.identify(f"Bearer {jwt.encode({'alg': 'HS256'}, claims, OctKey.import_key(SECRET))}")
        assert (caught.value.postgrest_code, caught.value.status) == ("22023", 401)
        assert caught.value.in_postgrest == f'role "{role}" does not exist'


async def test_without_an_anonymous_role_everybody_needs_a_token_that_names_one() -> None:
    identifier = BearerIdentifier(Tokens(TokenOptions(secret=SECRET), shared_secret(SECRET)), lambda: ROLES, None)
    nameless = "Bearer " + jwt.encode({"alg": "HS256"}, {"sub": "a-service"}, OctKey.import_key(SECRET))
    for header in (None, nameless):
        with pytest.raises(TokenRequired) as caught:
            await identifier.identify(header)
        assert caught.value.in_postgrest == "Anonymous access is disabled"
        assert caught.value.headers == {"WWW-Authenticate": "Bearer"}
    assert (await identifier.identify(f"Bearer {identifier.tokens.issue(USER).text}")).user_id == USER


async def test_a_role_that_is_gone_is_refused_though_the_token_was_seen_before() -> None:
    roles = {"authenticated"}
    identifier = BearerIdentifier(TOKENS, lambda: roles)
    header = f"Bearer {TOKENS.issue(USER).text}"
    await identifier.identify(header)
    roles.clear()
    with pytest.raises(ClaimsRefused):
        await identifier.identify(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Token abc",
        "abc",
        "Bearer a b",
        " Bearer a.b.c",
        "Bearer\ta.b.c",
        "Bearer a.b.c\n",
        "Bearer a.b.c ",
    ],
)
async def test_a_malformed_header_is_refused_and_the_scheme_named(identifier: Identifier, header: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await identifier.identify(header)
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "Bearer <access_token>" in str(caught.value.hint) or "POST /login" in str(caught.value.hint)


async def test_a_token_of_another_server_is_refused(identifier: Identifier) -> None:
    other = Tokens(TokenOptions(), parse_keys(generate_key(), origin="test"))
    with pytest.raises(Unauthenticated):
        await identifier.identify(f"Bearer {other.issue(USER).text}")


async def test_a_token_made_with_the_shared_secret_and_no_role_is_anonymous() -> None:
    identifier = BearerIdentifier(Tokens(TokenOptions(secret=SECRET), shared_secret(SECRET)), lambda: ROLES)
    who = await identifier.identify(
        "Bearer " + jwt.encode({"alg": "HS256"}, {"sub": "a-service"}, OctKey.import_key(SECRET))
    )
    assert (who.role, who.user_id) == ("anon", None)
    assert json.loads(who.claims_json) == {"sub": "a-service", "role": "anon"}


@given(st.text(max_size=200) | st.text("abcXYZ019-_.=+/ Bearer", max_size=60).map("Bearer {}".format))
async def test_any_header_is_refused_in_order(header: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await BearerIdentifier(TOKENS, lambda: ROLES).identify(header)
    caught.value.headers["WWW-Authenticate"].encode("latin-1")
