"""Tokens with any header and any claims, truly signed, and the keys and the clock for them."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID

import pytest
from joserfc.jws import JWSRegistry

from pellucid.auth.keys import Key, generate_key, parse_keys
from pellucid.auth.tokens import Tokens
from pellucid.errors import NoTokenKey, Unauthenticated

NOW = 1_800_000_000
USER = UUID("0198c0de-0000-7000-8000-000000000001")
OTHER_KEY = json.loads(generate_key())["keys"][0]
KEYS = parse_keys(json.dumps({"keys": [json.loads(generate_key())["keys"][0], OTHER_KEY]}), origin="test")
KEY = KEYS.signing
HEADER = {"alg": "ES256", "typ": "JWT", "kid": KEY.id}
SECRET = b"a secret that is long enough for HS256"


def part(value: Any) -> str:
    """One part: bytes and text as they are, anything else as JSON."""
    if not isinstance(value, bytes | str):
        value = json.dumps(value)
    raw = value.encode() if isinstance(value, str) else value
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, claims: Any, key: Key, algorithm: str | None = None) -> str:
    """A token with any header and any claims, truly signed with the key."""
    body = f"{part(header)}.{part(claims)}"
    signature = JWSRegistry.algorithms[algorithm or key.algorithm].sign(body.encode(), key.material)
    return f"{body}.{part(signature)}"


def mac(header: Any, claims: Any, secret: bytes) -> str:
    """A token signed with HS256 under any bytes, keys in text form included."""
    body = f"{part(header)}.{part(claims)}"
    return f"{body}.{part(hmac.digest(secret, body.encode(), hashlib.sha256))}"


def good_claims(**changes: Any) -> dict[str, Any]:
    """Claims that are accepted; a change to None takes the claim out."""
    claims: dict[str, Any] = {
        "iss": "pellucid",
        "aud": "authenticated",
        "sub": "0198c0de-0000-7000-8000-000000000001",
        "role": "authenticated",
        "iat": NOW,
        "exp": NOW + 60,
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def refused(tokens: Tokens, token: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        tokens.verify(token)
    assert caught.value.status == 401
    if not isinstance(caught.value, NoTokenKey):
        assert caught.value.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token", ')
    return caught.value
