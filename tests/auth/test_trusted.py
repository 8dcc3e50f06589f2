"""The keys of others: which are read, which are refused, and what each may check."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from pellucid.auth import compact
from pellucid.auth.keys import KeyOptions, generate_key
from pellucid.auth.tokens import TokenOptions, Tokens, open_tokens
from pellucid.auth.trusted import trusted_keys
from pellucid.errors import FeatureOff, StartupError, Unauthenticated

Material = RSAKey | ECKey | OKPKey | OctKey
SECRET = OctKey.import_key("0123456789abcdef0123456789abcdef")
RSA = RSAKey.generate_key(2048)
KEYS: dict[str, Material] = {
    "RSA": RSA,
    "P-256": ECKey.generate_key("P-256"),
    "P-384": ECKey.generate_key("P-384"),
    "P-521": ECKey.generate_key("P-521"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
    "oct": SECRET,
}
ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
    "oct": ("HS256", "HS384", "HS512"),
}
PRODUCTION = KeyOptions(production=True)


def public(kind: str, **more: Any) -> dict[str, Any]:
    """The JWK that checks tokens of this kind."""
    return {**KEYS[kind].as_dict(private=kind == "oct"), **more}


def signed(kind: str, algorithm: str, header: dict[str, str] | None = None) -> str:
    material = KEYS[kind]
    return compact.write(
        {"alg": algorithm, **(header or {})},
        {"role": "web"},
        lambda content: JWSRegistry.algorithms[algorithm].sign(content, material),
    )


def opened(content: Any) -> Tokens:
    return open_tokens(TokenOptions(secret=json.dumps(content).encode()), PRODUCTION)


def role_of(tokens: Tokens, token: str) -> str | None:
    return tokens.verify(token).role


def refused(tokens: Tokens, token: str) -> str | None:
    with pytest.raises(Unauthenticated) as caught:
        tokens.verify(token)
    return str(caught.value.details)


@pytest.mark.parametrize("kind", KEYS)
def test_each_kind_of_key_checks_its_own_algorithms_and_no_others(kind: str) -> None:
    tokens = opened(public(kind))
    for other, algorithms in ALGORITHMS.items():
        for algorithm in algorithms:
            token = signed(other, algorithm)
            if other == kind:
                assert role_of(tokens, token) == "web"
            else:
                assert refused(tokens, token) == "No suitable key was found to decode the JWT"


@pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519"])
def test_a_public_key_may_be_written_in_pem(kind: str) -> None:
    material = KEYS[kind]
    assert not isinstance(material, OctKey)
    pem = material.as_pem(private=False)
    tokens = open_tokens(TokenOptions(secret=pem), PRODUCTION)
    assert role_of(tokens, signed(kind, ALGORITHMS[kind][0])) == "web"
    mac = compact.write({"alg": "HS256"}, {"role": "web"}, lambda content: hmac.digest(pem, content, "sha256"))
    assert refused(tokens, mac) == "No suitable key was found to decode the JWT"


def test_a_key_that_names_its_algorithm_checks_no_other() -> None:
    tokens = opened({"keys": [public("RSA", alg="RS512")]})
    assert role_of(tokens, signed("RSA", "RS512")) == "web"
    assert refused(tokens, signed("RSA", "RS256")) == "No suitable key was found to decode the JWT"


def test_a_token_is_checked_with_the_key_it_names_or_else_with_each_that_fits() -> None:
    other = ECKey.generate_key("P-256").as_dict(private=False)
    tokens = opened({"keys": [{**other, "kid": "a"}, public("P-256", kid="b"), public("RSA")]})
    assert role_of(tokens, signed("P-256", "ES256")) == "web"
    assert role_of(tokens, signed("P-256", "ES256", {"kid": "b"})) == "web"
    assert refused(tokens, signed("P-256", "ES256", {"kid": "a"})) == "None of the keys was able to decode the JWT"
    assert refused(tokens, signed("RSA", "RS256", {"kid": "c"})) == "No suitable key was found to decode the JWT"


def test_keys_that_check_no_signatures_are_passed_over() -> None:
    encrypting = public("RSA", use="enc")
    strange = {"kty": "AKP", "alg": "ML-DSA-44"}
    tokens = opened({"keys": [encrypting, strange, public("RSA", alg="RSA-OAEP"), public("P-256", key_ops=["verify"])]})
    assert [key.algorithms for key in tokens.keys.trusted] == [("ES256",)]


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (b"short", "needs at least 32"),
        (b"{", "not JSON"),
        (b"{}", "No key of jwt_secret"),
        (b'{"keys":1}', "neither a JWK nor a JWK Set"),
        (b'{"keys":[1]}', "neither a JWK nor a JWK Set"),
        (b'{"keys":[]}', "No key of jwt_secret"),
        (b'{"kty":"RSA"}', "cannot be read"),
        (json.dumps({"kty": "oct", "k": "c2hvcnQ"}).encode(), "at least 32 bytes"),
        (json.dumps({"kty": "RSA", "e": "AQAB", "n": "_" * 171}).encode(), "at least 2048 bits"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "cannot be read"),
    ],
)  # fmt: skip
def test_what_checks_no_token_is_refused(secret: bytes, says: str) -> None:
    with pytest.raises(StartupError, match=says) as caught:
        trusted_keys(secret)
    assert caught.value.hint


class TestOwnTokens:
    """Where the keys of others are trusted, what is signed with?"""

    def test_with_the_secret(self) -> None:
        tokens = opened(public("oct", alg="HS512"))
        token = tokens.issue(None, role="web").text
        assert compact.read(token).algorithm == "HS512"
        assert role_of(tokens, token) == "web"
        assert tokens.keys.published() == {"keys": []}

    def test_with_the_private_key_among_them(self) -> None:
        tokens = opened(KEYS["Ed25519"].as_dict(private=True))
        assert role_of(tokens, tokens.issue(None, role="web").text) == "web"
        assert [set(key) for key in tokens.keys.published()["keys"]] == [{"kty", "crv", "x", "alg", "use"}]

    def test_with_its_own_key_beside_public_ones(self, tmp_path: Path) -> None:
        options = TokenOptions(secret=json.dumps(public("RSA")).encode())
        tokens = open_tokens(options, KeyOptions(generated=tmp_path / "key.json"))
        mine = tokens.verify(tokens.issue(None, role="web").text)
        theirs = tokens.verify(signed("RSA", "RS256"))
        assert (mine.own, theirs.own) == (True, False)
        assert len(tokens.keys.published()["keys"]) == 1

    def test_with_its_own_key_beside_a_secret(self) -> None:
        options = TokenOptions(secret=b"0123456789abcdef0123456789abcdef")
        tokens = open_tokens(options, KeyOptions(text=generate_key()))
        assert tokens.verify(tokens.issue(None).text).own
        assert role_of(tokens, signed("oct", "HS256")) == "web"

    def test_with_nothing_in_production(self) -> None:
        with pytest.raises(FeatureOff, match="no key to sign"):
            opened(public("RSA")).issue(None)
