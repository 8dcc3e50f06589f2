"""Tokens that others made with a shared secret: judged, and refused, in PostgREST's words."""

from typing import Any

import pytest

from pellucid.auth.keys import shared_secret
from pellucid.auth.pathtext import read_path
from pellucid.auth.tokens import TokenOptions, Tokens
from tests.auth.forging import HEADER, KEY, NOW, SECRET, Clock, good_claims, mac, refused, signed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(clock: Clock) -> Tokens:
    return Tokens(TokenOptions(secret=SECRET), shared_secret(SECRET), clock)


def test_a_shared_secret_accepts_what_others_made_with_it(shared: Tokens) -> None:
    for header in (
        {"alg": "HS256"},
        {"alg": "HS256", "typ": "at+jwt"},
        {"alg": "HS256", "typ": "JWT", "x5t": "theirs"},
    ):
        for claims in ({"role": "todo_user"}, {}, good_claims(iss="supabase"), good_claims(aud="any", exp=None, sub=1)):
            assert dict(shared.verify(mac(header, claims, SECRET)).claims) == claims


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"exp": NOW - 31}, "JWT expired"),
        ({"nbf": NOW + 31}, "JWT not yet valid"),
        ({"iat": NOW + 31}, "JWT issued at future"),
        ({"aud": "other"}, "JWT not in audience"),
        ({"aud": ""}, "JWT not in audience"),
        ({"aud": ["other", "another"]}, "JWT not in audience"),
        ({"exp": "soon"}, "The JWT 'exp' claim must be a number"),
        ({"nbf": True}, "The JWT 'nbf' claim must be a number"),
        ({"iat": [1]}, "The JWT 'iat' claim must be a number"),
        ({"aud": {"a": 1}}, "The JWT 'aud' claim must be a string or an array of strings"),
        ({"aud": ["test", {"a": 1}]}, "The JWT 'aud' claim must be a string or an array of strings"),
    ],
)
def test_tokens_of_others_are_judged_as_postgrest_does(clock: Clock, changes: dict[str, Any], says: str) -> None:
    others = Tokens(TokenOptions(others_audience="test"), shared_secret(SECRET), clock)
    fault = refused(others, mac({"alg": "HS256"}, good_claims(aud="test") | changes, SECRET))
    assert (fault.postgrest_code, fault.in_postgrest, fault.details) == ("PGRST303", says, None)
    assert fault.headers["WWW-Authenticate"] == f'Bearer error="invalid_token", error_description="{says}"'


@pytest.mark.parametrize("audience", ["test", ["other", "test"], [], None])
def test_an_audience_that_is_not_there_is_everybody(clock: Clock, audience: Any) -> None:
    others = Tokens(TokenOptions(others_audience="test"), shared_secret(SECRET), clock)
    claims = good_claims() | {"aud": audience, "exp": NOW - 30, "nbf": NOW + 30, "iat": None}
    assert others.verify(mac({"alg": "HS256"}, claims, SECRET))


UNSUITABLE = ("No suitable key or wrong key type", "No suitable key was found to decode the JWT")


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("", ("Empty JWT is sent in Authorization header", None)),
        ("a.b", ("Expected 3 parts in JWT; got 2", None)),
        ("a.b.c.d.e", ("Expected 3 parts in JWT; got 5", None)),
        ("quifquir.fonvoien.iuqvnv", ("JWT cryptographic operation failed", None)),
        (mac({"alg": "HS999"}, {}, SECRET), ("JWT cryptographic operation failed", None)),
        (
            mac({"alg": "none"}, {}, b""),
            ("Wrong or unsupported encoding algorithm", "JWT is unsecured but expected 'alg' was not 'none'"),
        ),
        (mac({"alg": "HS256", "kid": "other"}, {}, SECRET), UNSUITABLE),
        (mac({"alg": "HS512"}, {}, SECRET), UNSUITABLE),
        (signed(HEADER, {}, KEY), UNSUITABLE),
        (mac({"alg": "HS256"}, {}, b"wrong"), (UNSUITABLE[0], "None of the keys was able to decode the JWT")),
    ],
)
def test_what_is_not_genuine_is_told_as_postgrest_does(
    shared: Tokens, token: str, says: tuple[str, str | None]
) -> None:
    fault = refused(shared, token)
    assert (fault.postgrest_code, fault.in_postgrest, fault.details) == ("PGRST301", *says)
    assert fault.headers["WWW-Authenticate"] == f'Bearer error="invalid_token", error_description="{says[0]}"'


def test_claims_that_are_no_object_are_told_as_postgrest_does(shared: Tokens) -> None:
    fault = refused(shared, mac({"alg": "HS256"}, [1], SECRET))
    assert (fault.postgrest_code, fault.in_postgrest) == ("PGRST303", "Parsing claims failed")


@pytest.mark.parametrize(
    ("path", "claims", "role"),
    [
        ("$.role", {"role": "web"}, "web"),
        ("$.role", {}, None),
        ("$.role", {"role": 1}, "1"),
        ("$.role", {"role": None}, "null"),
        ("$.app.roles[1]", {"role": "web", "app": {"roles": ["a", "b"]}}, "b"),
        (".app.roles[0]", {"app": {"roles": ["a", "b"]}}, "a"),
        ("$.app", {"app": {"a": 1}}, '{"a":1}'),
    ],
)
def test_the_role_stands_where_it_was_said_to(path: str, claims: dict[str, Any], role: str | None) -> None:
    others = Tokens(TokenOptions(role_claim=read_path(path)), shared_secret(SECRET))
    assert others.verify(mac({"alg": "HS256"}, claims, SECRET)).role == role


def test_what_this_instance_signs_with_the_secret_keeps_its_role() -> None:
    mixed = Tokens(TokenOptions(role_claim=read_path("$.app.role")), shared_secret(SECRET))
    assert mixed.verify(mixed.issue(None, role="service_role").text).role == "service_role"
    assert mixed.verify(mac({"alg": "HS256"}, {"role": "top", "app": {"role": "web"}}, SECRET)).role == "web"
