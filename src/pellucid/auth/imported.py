"""Password hashes that others made: accounts can be brought along with them, and each is replaced by our own at the first sign-in.

Read are bcrypt (``$2a$``, ``$2b$``, ``$2y$``), scrypt and PBKDF2 in the forms of PHC strings, of passlib, of Django and of Werkzeug:

    $2b$12$…                                     bcrypt
    $scrypt$ln=16,r=8,p=1$salt$hash              PHC, passlib (base64 without padding)
    scrypt:32768:8:1$salt$hex                    Werkzeug
    $pbkdf2-sha256$i=600000$salt$hash            PHC, passlib (also without ``i=``)
    pbkdf2_sha256$600000$salt$base64             Django
    pbkdf2:sha256:600000$salt$hex                Werkzeug

What a hash may cost is bounded, so that nobody can bring along one that keeps the server busy. `pellucid.auth.effort` hides how much it is.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable

import bcrypt

from pellucid.discreet import Discreet, Hidden

MOST_ITERATIONS = 5_000_000
MOST_MEMORY = 256 * 1024 * 1024
BCRYPT_READS = 72
"""Bytes of a password that bcrypt looks at; those who made the hash cut off the rest."""
MOST_BCRYPT_COST = 16
MOST_LANES = 16
_DIGESTS = ("sha1", "sha256", "sha512")

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_SCRYPT = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,9}),p=(\d{1,9})\$([^$]+)\$([^$]+)", re.ASCII)
_SCRYPT_WERKZEUG = re.compile(r"scrypt:(\d{1,9}):(\d{1,9}):(\d{1,9})\$([^$]+)\$([0-9a-f]+)", re.ASCII)
_PBKDF2 = re.compile(r"\$pbkdf2-?(sha1|sha256|sha512)?\$(?:i=)?(\d{1,9})(?:,l=\d+)?\$([^$]*)\$([^$]+)", re.ASCII)
_PBKDF2_DJANGO = re.compile(r"pbkdf2_(sha1|sha256|sha512)\$(\d{1,9})\$([^$]+)\$([A-Za-z0-9+/=]+)", re.ASCII)
_PBKDF2_WERKZEUG = re.compile(r"pbkdf2:(sha1|sha256|sha512):(\d{1,9})\$([^$]+)\$([0-9a-f]+)", re.ASCII)


class Bcrypt(Discreet, frozen=True):
    """A hash of bcrypt. It takes ``2 ** cost`` rounds."""

    cost: int
    text: Hidden[bytes]

    def __post_init__(self) -> None:
        if not 4 <= self.cost <= MOST_BCRYPT_COST:
            raise ValueError(self.cost)

    def fits(self, password: bytes) -> bool:
        """Whether the password fits. One with a NUL never does, after the same work."""
        readable = password.replace(b"\0", b"")
        return bcrypt.checkpw(readable[:BCRYPT_READS], self.text) and readable == password


class Scrypt(Discreet, frozen=True):
    """A hash of scrypt, with the names of RFC 7914."""

    n: int
    r: int
    p: int
    salt: Hidden[bytes]
    digest: Hidden[bytes]

    def __post_init__(self) -> None:
        power = self.n > 1 and self.n & (self.n - 1) == 0
        if not power or not 1 <= self.r <= MOST_MEMORY // (128 * self.n) or not 1 <= self.p <= MOST_LANES:
            raise ValueError(self.n, self.r, self.p)

    def fits(self, password: bytes) -> bool:
        """Whether the password fits."""
        given = {"n": self.n, "r": self.r, "p": self.p, "maxmem": MOST_MEMORY + (1 << 20), "dklen": len(self.digest)}
        return hmac.compare_digest(hashlib.scrypt(password, salt=self.salt, **given), self.digest)


class Pbkdf2(Discreet, frozen=True):
    """A hash of PBKDF2 (RFC 8018)."""

    name: str
    iterations: int
    salt: Hidden[bytes]
    digest: Hidden[bytes]

    def __post_init__(self) -> None:
        if not 1 <= self.iterations <= MOST_ITERATIONS or self.name not in _DIGESTS or not self.digest:
            raise ValueError(self.name, self.iterations)

    def fits(self, password: bytes) -> bool:
        """Whether the password fits."""
        made = hashlib.pbkdf2_hmac(self.name, password, self.salt, self.iterations, len(self.digest))
        return hmac.compare_digest(made, self.digest)


Imported = Bcrypt | Scrypt | Pbkdf2


def is_imported(hashed: str) -> bool:
    """Whether this is a hash of another kind than ours."""
    return not hashed.startswith("$argon2")


def read(hashed: str) -> Imported | None:
    """What such a hash says. None for one that cannot be read or costs too much: it fits nothing."""
    for form, made in _FORMS:
        if found := form.fullmatch(hashed):
            try:
                return made(found)
            except (ValueError, binascii.Error):
                return None
    return None


def fits(password: bytes, hashed: str) -> bool:
    """Whether a password fits such a hash."""
    found = read(hashed)
    try:
        return found is not None and found.fits(password)
    except (ValueError, MemoryError, OverflowError):
        return False


def _unpadded(text: str) -> bytes:
    """Base64 without padding; passlib writes ``.`` for ``+``."""
    plain = text.replace(".", "+")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Imported]], ...] = (
    (_BCRYPT, lambda found: Bcrypt(int(found[1]), found[0].encode())),
    (
        _SCRYPT,
        lambda found: Scrypt(
            2 ** min(int(found[1]), 30), int(found[2]), int(found[3]), _unpadded(found[4]), _unpadded(found[5])
        ),
    ),
    (
        _SCRYPT_WERKZEUG,
        lambda found: Scrypt(int(found[1]), int(found[2]), int(found[3]), found[4].encode(), bytes.fromhex(found[5])),
    ),
    (_PBKDF2, lambda found: Pbkdf2(found[1] or "sha1", int(found[2]), _unpadded(found[3]), _unpadded(found[4]))),
    (_PBKDF2_DJANGO, lambda found: Pbkdf2(found[1], int(found[2]), found[3].encode(), _base64(found[4]))),
    (_PBKDF2_WERKZEUG, lambda found: Pbkdf2(found[1], int(found[2]), found[3].encode(), bytes.fromhex(found[4]))),
)
