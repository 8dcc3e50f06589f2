import json
import random
import string
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from joserfc import jws

from pellucid.auth.compact import MAX_LENGTH
from pellucid.auth.keys import KeyOptions, generate_key, parse_keys, shared_secret
from pellucid.auth.tokens import REMEMBERED, TokenOptions, Tokens, open_tokens
from pellucid.errors import ClaimsRefused, StartupError
from tests.auth.forging import (
    HEADER,
    KEY,
    KEYS,
    NOW,
    OTHER_KEY,
    SECRET,
    USER,
    Clock,
    good_claims,
    mac,
    part,
    refused,
    signed,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(TokenOptions(), KEYS, clock)


@pytest.fixture
def shared(clock: Clock) -> Tokens:
    return Tokens(TokenOptions(secret=SECRET), shared_secret(SECRET), clock)


def test_a_token_says_who_by_whom_for_whom_and_for_how_long(tokens: Tokens) -> None:
    token = tokens.issue(USER, email="ada@example.com")
    parts = jws.extract_compact(token.text.encode())
    assert parts.headers() == HEADER
    claims = json.loads(parts.payload or b"")
    assert UUID(claims.pop("jti"))
    assert claims == {
        "iss": "pellucid",
        "aud": "authenticated",
        "sub": str(USER),
        "role": "authenticated",
        "email": "ada@example.com",
        "iat": NOW,
        "exp": NOW + 1800,
    }
    assert token.expires_in == 1800
    assert token.text not in repr(token)


def test_what_was_issued_is_verified_and_given_on_as_json(tokens: Tokens) -> None:
    verified = tokens.verify(tokens.issue(USER, email="zoë@example.com").text)
    assert verified.claims["sub"] == str(USER)
    assert json.loads(verified.text) == dict(verified.claims)


def test_a_service_token_has_no_subject(tokens: Tokens) -> None:
    verified = tokens.verify(tokens.issue(None, role="service_role").text)
    assert verified.claims["role"] == "service_role"
    assert "sub" not in verified.claims


def test_two_tokens_are_never_the_same(tokens: Tokens) -> None:
    assert tokens.issue(USER).text != tokens.issue(USER).text


def test_the_clock_decides_even_for_a_token_seen_before(tokens: Tokens, clock: Clock) -> None:
    token = tokens.issue(USER).text
    tokens.verify(token)
    clock.now += 1800 + 29
    tokens.verify(token)
    clock.now += 2
    fault = refused(tokens, token)
    assert isinstance(fault, ClaimsRefused)
    assert fault.message == "JWT expired"
    assert fault.postgrest_code == "PGRST303"


def test_a_key_that_only_verifies_still_opens(clock: Clock) -> None:
    old = Tokens(TokenOptions(), parse_keys(json.dumps(OTHER_KEY), origin="test"), clock)
    token = old.issue(USER).text
    assert Tokens(TokenOptions(), KEYS, clock).verify(token).claims["sub"] == str(USER)
    alone = parse_keys(json.dumps({"keys": [json.loads(generate_key())["keys"][0]]}), origin="test")
    refused(Tokens(TokenOptions(), alone, clock), token)


HEADERS: list[tuple[str, Any]] = [
    ("no algorithm", {"typ": "JWT", "kid": KEY.id}),
    ("no key", {"alg": "ES256", "typ": "JWT"}),
    ("an unknown key", HEADER | {"kid": "unknown"}),
    ("the other key's id", HEADER | {"kid": OTHER_KEY["kid"]}),
    ("a key id that is no text", HEADER | {"kid": [KEY.id]}),
    ("no type", {"alg": "ES256", "kid": KEY.id}),
    ("another type", HEADER | {"typ": "at+jwt"}),
    ("a type that is no text", HEADER | {"typ": None}),
    ("none", HEADER | {"alg": "none"}),
    ("None", HEADER | {"alg": "None"}),
    ("HS256", HEADER | {"alg": "HS256"}),
    ("RS256", HEADER | {"alg": "RS256"}),
    ("ES384", HEADER | {"alg": "ES384"}),
    ("es256 in small letters", HEADER | {"alg": "es256"}),
    ("an algorithm that is no text", HEADER | {"alg": ["ES256"]}),
    ("jwk", HEADER | {"jwk": KEY.public}),
    ("jku", HEADER | {"jku": "https://example.com/keys"}),
    ("x5u", HEADER | {"x5u": "https://example.com/cert"}),
    ("x5c", HEADER | {"x5c": ["MIIB"]}),
    ("x5t", HEADER | {"x5t": "abc"}),
    ("crit", HEADER | {"crit": ["exp"]}),
    ("empty crit", HEADER | {"crit": []}),
    ("b64", HEADER | {"b64": False}),
    ("crit b64", HEADER | {"b64": False, "crit": ["b64"]}),
    ("cty", HEADER | {"cty": "JWT"}),
    ("enc", HEADER | {"enc": "A128GCM"}),
    ("zip", HEADER | {"zip": "DEF"}),
    ("a surplus field", HEADER | {"extra": 1}),
    ("twice the algorithm", f'{{"alg":"none","alg":"ES256","typ":"JWT","kid":"{KEY.id}"}}'),
    ("twice the key", f'{{"alg":"ES256","typ":"JWT","kid":"x","kid":"{KEY.id}"}}'),
    ("a list", [HEADER]),
    ("text", '"ES256"'),
    ("no JSON", "{"),
    ("nothing", "  "),
    ("UTF-16", json.dumps(HEADER).encode("utf-16")),
    ("a byte order mark", b"\xef\xbb\xbf" + json.dumps(HEADER).encode()),
    ("not UTF-8", b'{"alg":"\xff"}'),
    ("too deep", "[" * 4000),
    ("a NUL", json.dumps(HEADER | {"kid": KEY.id + "\0"})),
]


@pytest.mark.parametrize("header", [header for _, header in HEADERS], ids=[name for name, _ in HEADERS])
def test_a_header_that_is_not_exactly_ours_is_refused_though_truly_signed(tokens: Tokens, header: Any) -> None:
    assert not isinstance(refused(tokens, signed(header, good_claims(), KEY)), ClaimsRefused)


def test_the_forger_of_these_tests_can_make_a_good_token(tokens: Tokens, shared: Tokens) -> None:
    assert tokens.verify(signed(HEADER, good_claims(), KEY))
    assert shared.verify(mac({"alg": "HS256"}, good_claims(), SECRET))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_token_is_refused(tokens: Tokens, shared: Tokens, alg: str) -> None:
    for ending in ("", "." + part("x"), "."):
        for header in ({"alg": alg}, HEADER | {"alg": alg}):
            token = f"{part(header)}.{part(good_claims())}{ending}"
            refused(tokens, token)
            refused(shared, token)


def public_forms() -> list[bytes]:
    material = KEY.material
    texts = [json.dumps(KEY.public), json.dumps(KEY.public, separators=(",", ":")), json.dumps(KEYS.published())]
    forms = [text.encode() for text in texts]
    as_pem: Callable[..., bytes] = material.as_pem  # type: ignore[union-attr]
    as_der: Callable[..., bytes] = material.as_der  # type: ignore[union-attr]
    return [*forms, as_pem(private=False), as_pem(private=False).strip(), as_der(private=False), b""]


@pytest.mark.parametrize(
    "secret", public_forms(), ids=["jwk", "short jwk", "jwks", "pem", "pem without its end", "der", "none"]
)
def test_the_public_key_is_no_shared_secret(tokens: Tokens, secret: bytes) -> None:
    refused(tokens, mac(HEADER | {"alg": "HS256"}, good_claims(), secret))


def test_where_there_is_no_secret_a_token_made_with_one_is_the_servers_lack(tokens: Tokens) -> None:
    fault = refused(tokens, mac({"alg": "HS256"}, good_claims(), SECRET))
    assert (fault.status, fault.postgrest_status, fault.postgrest_code) == (401, 500, "PGRST300")
    assert fault.in_postgrest == "Server lacks JWT secret"


def test_a_shared_secret_takes_no_other_algorithm(shared: Tokens) -> None:
    refused(shared, signed(HEADER, good_claims(), KEY))
    for alg in ("HS384", "HS512", "none", "ES256"):
        refused(shared, mac({"alg": alg, "typ": "JWT"}, good_claims(), SECRET))


def refused_claims() -> list[dict[str, Any]]:
    subjects: list[Any] = [1, "", [], {}, None, True]
    addresses: list[Any] = [1, "", []]
    times: list[Any] = ["soon", "1800000060", True, None, [], {}, float("inf"), 10**400, -1]
    return [
        *[good_claims() | {"exp": time} for time in times],
        *[good_claims() | {"nbf": time} for time in [*times[:-1], NOW + 31] if time is not None],
        *[good_claims() | {"iat": time} for time in [*times[:-1], NOW + 31] if time is not None],
        good_claims(exp=NOW - 31),
        *[good_claims(**{name: None}) for name in ("iss", "aud", "exp", "role")],
        *[good_claims(iss=iss) for iss in ("other", "", "Pellucid", ["pellucid"], 1)],
        *[good_claims(aud=aud) for aud in ("other", "", [], ["other"], 1, {"authenticated": 1}, [["authenticated"]])],
        *[good_claims() | {"sub": sub} for sub in subjects],
        *[good_claims() | {"role": role} for role in (1, "", [], None, ["authenticated"])],
        *[good_claims() | {"email": email} for email in addresses],
    ]


@pytest.mark.parametrize("claims", refused_claims(), ids=lambda claims: json.dumps(claims)[:200])
def test_a_genuine_token_with_wrong_claims_is_refused(tokens: Tokens, claims: dict[str, Any]) -> None:
    refused(tokens, signed(HEADER, claims, KEY))


@pytest.mark.parametrize(
    "payload",
    [
        "{", "", "[]", "null", '"text"', "1", '{"exp":NaN}', "[" * 4000, '{"a":' * 900,
        json.dumps(good_claims(note="a\0b")),
        json.dumps(good_claims(note="\ud800")),
        json.dumps(good_claims(note={"deep": ["\0"]})),
        json.dumps(good_claims())[:-1] + ',"role":"service_role"}',
        json.dumps(good_claims())[:-1] + ',"app":{"a":1,"a":2}}',
        json.dumps(good_claims()).encode("utf-16"),
        b"\xff",
    ],
)  # fmt: skip
def test_a_genuine_token_that_is_not_plain_json_is_refused(tokens: Tokens, payload: Any) -> None:
    refused(tokens, signed(HEADER, payload, KEY))


@pytest.mark.parametrize(
    "changes", [{"aud": ["other", "authenticated"]}, {"exp": NOW - 29}, {"nbf": NOW + 30}, {"iat": NOW + 30.0}]
)
def test_clocks_may_differ_a_little_and_audiences_may_be_many(tokens: Tokens, changes: dict[str, Any]) -> None:
    assert tokens.verify(signed(HEADER, good_claims(**changes), KEY))


def test_the_memory_may_be_off() -> None:
    tokens = Tokens(TokenOptions(remembered=0), KEYS)
    tokens.verify(tokens.issue(USER).text)
    assert not tokens._genuine


def test_a_service_token_may_live_long(tokens: Tokens, clock: Clock) -> None:
    token = tokens.issue(None, role="anon", lifetime=86_400 * 365)
    clock.now += 86_400 * 364
    assert tokens.verify(token.text).role == "anon"


def test_a_shared_secret_signs_what_it_accepts(shared: Tokens) -> None:
    token = shared.issue(USER, email="ada@example.com").text
    assert shared.verify(token).claims["sub"] == str(USER)
    assert jws.extract_compact(token.encode()).headers() == {"alg": "HS256", "typ": "JWT"}


def test_an_oversized_token_is_refused_before_it_is_read(tokens: Tokens) -> None:
    fits = signed(HEADER, good_claims(pad="x" * 5000), KEY)
    assert len(fits) < MAX_LENGTH
    assert tokens.verify(fits)
    assert "longer than" in refused(tokens, signed(HEADER, good_claims(pad="x" * 7000), KEY)).message
    refused(tokens, "a" * 10_000_000)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d.e", "\0", "é.é.é", "\ud800.a.b", " ", "null"]
)
def test_what_is_no_token_is_refused(tokens: Tokens, token: str) -> None:
    refused(tokens, token)


def mutate(token: str, dice: random.Random) -> str:
    """One random change: a character or bit swapped, put in, taken out, doubled, or parts mixed up."""
    letters = string.ascii_letters + string.digits + "-_=.+/ \0\n%é"
    at = dice.randrange(len(token))
    match dice.randrange(7):
        case 0:
            return token[:at] + dice.choice(letters) + token[at + 1 :]
        case 1:
            return token[:at] + dice.choice(letters) + token[at:]
        case 2:
            return token[:at] + token[at + 1 :]
        case 3:
            return token[:at]
        case 4:
            return token[:at] + chr(ord(token[at]) ^ (1 << dice.randrange(7))) + token[at + 1 :]
        case 5:
            parts = token.split(".")
            dice.shuffle(parts)
            return ".".join(parts)
        case _:
            end = dice.randrange(at, len(token)) + 1
            return token[:at] + token[at:end][::-1] + token[end:]


@pytest.mark.parametrize("kind", ["own key", "shared secret"])
def test_ten_thousand_mutations_of_a_good_token_are_all_refused(tokens: Tokens, shared: Tokens, kind: str) -> None:
    judge = tokens if kind == "own key" else shared
    dice = random.Random(20240607)
    good = judge.issue(USER, email="ada@example.com").text
    judge.verify(good)
    tried = {mutated for mutated in (mutate(good, dice) for _ in range(12_000)) if mutated != good}
    assert len(tried) > 5_000
    for mutated in tried:
        refused(judge, mutated)
    judge.verify(good)


def test_every_other_spelling_of_the_last_character_is_refused(tokens: Tokens) -> None:
    good = tokens.issue(USER).text
    for last in string.ascii_letters + string.digits + "-_":
        if last != good[-1]:
            refused(tokens, good[:-1] + last)


def test_parts_of_two_good_tokens_do_not_mix(tokens: Tokens) -> None:
    mine, theirs = tokens.issue(USER).text.split("."), tokens.issue(None, role="service_role").text.split(".")
    refused(tokens, ".".join([mine[0], theirs[1], mine[2]]))
    refused(tokens, ".".join([mine[0], mine[1], theirs[2]]))


def test_only_so_many_genuine_tokens_are_remembered_and_no_others(tokens: Tokens) -> None:
    refused(tokens, "a.b.c")
    assert not tokens._genuine
    for _ in range(REMEMBERED + 5):
        tokens.verify(signed(HEADER, good_claims(), KEY))
    assert len(tokens._genuine) == REMEMBERED


def test_a_refusal_does_not_repeat_the_token(tokens: Tokens) -> None:
    token = signed(HEADER | {"kid": "my-kid-canary"}, good_claims(note="claim-canary"), KEY)
    fault = refused(tokens, token)
    shown = f"{fault.message} {fault.hint} {fault.details} {dict(fault.headers)}"
    assert "canary" not in shown
    assert token not in shown


def test_a_token_of_another_node_is_not_blamed_on_the_client_alone(tokens: Tokens) -> None:
    """Where nodes have different keys, to sign in again would help for one request in two."""
    fault = refused(tokens, signed(HEADER | {"kid": "another"}, good_claims(), KEY))
    assert "signing_key_file" in str(fault.hint)
    assert "signing_key_file" not in str(refused(tokens, "a.b.c").hint)


def test_the_configured_secret_decides_how_tokens_are_signed() -> None:
    assert open_tokens(TokenOptions(secret=SECRET), KeyOptions()).keys.shared
    assert not open_tokens(TokenOptions(), KeyOptions(text=generate_key())).keys.shared
    assert SECRET.decode() not in repr(TokenOptions(secret=SECRET))


@pytest.mark.parametrize(("lifetime", "leeway"), [(0, 0), (-1, 0), (60, -1)])
def test_options_that_make_no_sense_are_refused(lifetime: int, leeway: int) -> None:
    with pytest.raises(StartupError):
        TokenOptions(lifetime=lifetime, leeway=leeway)
