"""A signed token as text (JWS compact form, RFC 7515, 7.1), read more strictly than the standard asks.

Three parts in canonical base64url are let through, with a header that names an algorithm, and perhaps a key and a type. Whatever else
stands in the header is only told, never used: keys that a token brings along (``jwk``, ``jku``, ``x5c``, ``x5u``) count for nothing.
Critical extensions (``crit``, ``b64``), compression (``zip``) and encryption (``enc``) end here, before anything is computed.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any

from pellucid.discreet import Discreet, Hidden

MAX_LENGTH = 8 * 1024
"""Characters a token may have."""

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HEADER = frozenset({"alg", "kid", "typ"})
_REFUSED = frozenset({"crit", "b64", "zip", "enc"})
_HASHES = ("256", "384", "512")
_ALGORITHMS = frozenset(
    {f"{kind}{size}" for kind in ("HS", "RS", "PS", "ES") for size in _HASHES} | {"EdDSA", "Ed25519"}
)


_NO_FORM = "it does not have three base64url parts"
_UNSIGNED = ("Wrong or unsupported encoding algorithm", "JWT is unsecured but expected 'alg' was not 'none'")


class Unreadable(ValueError):
    """The text is no token that can be accepted; the message says why, and holds nothing of the token.

    ``in_postgrest`` and ``details`` are the same in PostgREST's words. ``hint`` is a way out, where it is another than to sign in.
    """

    def __init__(
        self,
        reason: str,
        in_postgrest: str = "JWT cryptographic operation failed",
        details: str | None = None,
        *,
        hint: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.in_postgrest = in_postgrest
        self.details = details
        self.hint = hint


class Compact(Discreet, frozen=True):
    """What a token says, not yet believed."""

    algorithm: str
    kid: str | None
    type: str | None
    bare: bool
    """Whether nothing else stands in the header."""
    payload: str
    signed: Hidden[bytes]
    """What the signature is for."""
    signature: Hidden[bytes]

    def claims(self) -> dict[str, Any]:
        """The payload as a JSON object. Ask only after the signature was checked.

        Raises:
            Unreadable: it is not one, or a name stands in it twice.
        """
        return _json_object(self.payload)


def read(token: str) -> Compact:
    """Take a token apart.

    Raises:
        Unreadable: it is too long, malformed, or its header has more or less than it should.
    """
    if len(token) > MAX_LENGTH:
        raise Unreadable(f"it is longer than {MAX_LENGTH} characters")
    header, payload, signature = _parts(token)
    fields = _header(_json_object(header))
    if not _FORM.fullmatch(token):
        raise Unreadable(_NO_FORM)
    return Compact(
        algorithm=fields["alg"],
        kid=fields.get("kid"),
        type=fields.get("typ"),
        bare=fields.keys() <= _HEADER,
        payload=payload,
        signed=f"{header}.{payload}".encode(),
        signature=_bytes(signature),
    )


def write(header: Mapping[str, str], claims: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """Put a token together and sign it."""
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{_text(sign(signed.encode()))}"


def _parts(token: str) -> list[str]:
    parts = token.split(".")
    if not token:
        raise Unreadable("it is empty", "Empty JWT is sent in Authorization header")
    if len(parts) != 3:
        raise Unreadable(_NO_FORM, f"Expected 3 parts in JWT; got {len(parts)}")
    return parts


def _header(fields: dict[str, Any]) -> dict[str, Any]:
    if not all(isinstance(fields[name], str) for name in _HEADER & fields.keys()):
        raise Unreadable("its header has a field that is not text")
    if fields.get("alg") == "none":
        raise Unreadable("it is not signed", *_UNSIGNED)
    if fields.get("alg") not in _ALGORITHMS or _REFUSED & fields.keys():
        raise Unreadable("its header has fields that are not accepted, or lacks the algorithm")
    return fields


def _json_object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(part).decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as fault:
        raise Unreadable("a part of it is not JSON, or names something twice") from fault
    if not isinstance(value, dict):
        raise Unreadable("a part of it is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("a name stands in it twice")
    return found


def _bytes(part: str) -> bytes:
    """Decode base64url without padding; exactly one spelling of any bytes is accepted."""
    try:
        decoded = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as fault:
        raise Unreadable("a part of it is not base64url") from fault
    if _text(decoded) != part:
        raise Unreadable("a part of it is not canonical base64url")
    return decoded


def _part(value: Mapping[str, Any]) -> str:
    return _text(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
