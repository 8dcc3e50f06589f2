"""Secrets that mean nothing by themselves: cookies, refresh tokens, links, API keys. They are handed out once and kept as hashes."""

import base64
import hashlib
import hmac
import secrets

SECRET_BYTES = 32
"""256 random bits; 128 would do."""
CODE_DIGITS = 6


def new_secret() -> str:
    """A new secret as base64url text without padding, 43 characters."""
    return secrets.token_urlsafe(SECRET_BYTES)


def new_code() -> str:
    """Six random digits, to be typed. So few need a limit on attempts and a short life."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def digest(secret: str, *context: str) -> bytes:
    """What is stored of a secret: SHA-256, of the context too where a secret is short. Long random secrets need no slow hash.

    Nothing that was asked for can be found out by timing a look-up of a hash.
    """
    return hashlib.sha256("\0".join((*context, secret)).encode("utf-8", "surrogatepass")).digest()


def derived(key: bytes, secret: str) -> str:
    """The one secret that follows another under a key (HMAC-SHA-256): who knows only one of the two cannot tell it."""
    return as_text(hmac.new(key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).digest())


def as_text(content: bytes) -> str:
    """Bytes as base64url text without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
