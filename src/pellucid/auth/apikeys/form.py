"""The form of a key: a beginning by which people and scanners know it, 256 random bits, and a checksum that finds typing errors."""

import zlib

from pellucid.auth.opaque import new_secret

PREFIX = "pellucid_key_"
SHOWN = len(PREFIX) + 6
"""Characters that are kept and shown, so that its owner knows it again. The rest is nowhere."""
_CHECK = 8
_LENGTH = len(PREFIX) + 43 + _CHECK


def new_key() -> str:
    """A new key."""
    body = f"{PREFIX}{new_secret()}"
    return f"{body}{_checksum(body)}"


def is_key(secret: str) -> bool:
    """Whether a secret claims to be a key; access tokens never do."""
    return secret.startswith(PREFIX)


def well_formed(secret: str) -> bool:
    """Whether it can be one at all. What cannot is refused without asking the database."""
    return len(secret) == _LENGTH and secret.isascii() and secret[-_CHECK:] == _checksum(secret[:-_CHECK])


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
