"""Password hashes that others made: accounts can be brought along with them, and each is replaced by our own at the first sign-in.

Read are bcrypt (``$2a$``, ``$2b$``, ``$2y$``), scrypt and PBKDF2 in the forms of PHC strings, of passlib, of Django and of Werkzeug:

    $2b$12$…                                     bcrypt
    $scrypt$ln=16,r=8,p=1$salt$hash              PHC, passlib (base64 without padding)
    scrypt:32768:8:1$salt$hex                    Werkzeug
    $pbkdf2-sha256$i=600000$salt$hash            PHC, passlib (also without ``i=``)
    pbkdf2_sha256$600000$salt$base64             Django
    pbkdf2:sha256:600000$salt$hex                Werkzeug

What a hash may cost is bounded, so that nobody can bring along one that keeps the server busy.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable

import bcrypt

MOST_ITERATIONS = 5_000_000
MOST_MEMORY = 256 * 1024 * 1024
BCRYPT_READS = 72
"""Bytes of a password that bcrypt looks at; those who made the hash cut off the rest."""
MOST_BCRYPT_COST = 16
_DIGESTS = ("sha1", "sha256", "sha512")

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_SCRYPT = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)", re.ASCII)
_SCRYPT_WERKZEUG = re.compile(r"scrypt:(\d+):(\d+):(\d+)\$([^$]+)\$([0-9a-f]+)", re.ASCII)
_PBKDF2 = re.compile(r"\$pbkdf2-?(sha1|sha256|sha512)?\$(?:i=)?(\d+)(?:,l=\d+)?\$([^$]*)\$([^$]+)", re.ASCII)
_PBKDF2_DJANGO = re.compile(r"pbkdf2_(sha1|sha256|sha512)\$(\d+)\$([^$]+)\$([A-Za-z0-9+/=]+)", re.ASCII)
_PBKDF2_WERKZEUG = re.compile(r"pbkdf2:(sha1|sha256|sha512):(\d+)\$([^$]+)\$([0-9a-f]+)", re.ASCII)


def is_imported(hashed: str) -> bool:
    """Whether this is a hash of another kind than ours."""
    return not hashed.startswith("$argon2")


def fits(password: bytes, hashed: str) -> bool:
    """Whether a password fits such a hash. One that cannot be read, or costs too much, fits nothing."""
    for form, check in _FORMS:
        if found := form.fullmatch(hashed):
            try:
                return check(password, found)
            except (ValueError, binascii.Error, MemoryError, OverflowError):
                return False
    return False


def _bcrypt(password: bytes, found: re.Match[str]) -> bool:
    if int(found[1]) > MOST_BCRYPT_COST or b"\0" in password:
        return False
    return bcrypt.checkpw(password[:BCRYPT_READS], found[0].encode())


def _scrypt_phc(password: bytes, found: re.Match[str]) -> bool:
    cost = 2 ** min(int(found[1]), 30)
    return _scrypt(password, cost, int(found[2]), int(found[3]), _unpadded(found[4]), _unpadded(found[5]))


def _scrypt_werkzeug(password: bytes, found: re.Match[str]) -> bool:
    n, r, p = (int(found[place]) for place in (1, 2, 3))
    return _scrypt(password, n, r, p, found[4].encode(), bytes.fromhex(found[5]))


def _scrypt(password: bytes, n: int, r: int, p: int, salt: bytes, digest: bytes) -> bool:  # noqa: PLR0917 - RFC 7914's names
    if 128 * n * r > MOST_MEMORY or p > 16:
        return False
    made = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=MOST_MEMORY + (1 << 20), dklen=len(digest))
    return hmac.compare_digest(made, digest)


def _pbkdf2_phc(password: bytes, found: re.Match[str]) -> bool:
    return _pbkdf2(password, found[1] or "sha1", int(found[2]), _unpadded(found[3]), _unpadded(found[4]))


def _pbkdf2_django(password: bytes, found: re.Match[str]) -> bool:
    return _pbkdf2(password, found[1], int(found[2]), found[3].encode(), base64.b64decode(found[4], validate=True))


def _pbkdf2_werkzeug(password: bytes, found: re.Match[str]) -> bool:
    return _pbkdf2(password, found[1], int(found[2]), found[3].encode(), bytes.fromhex(found[4]))


def _pbkdf2(password: bytes, digest: str, iterations: int, salt: bytes, wanted: bytes) -> bool:
    if iterations > MOST_ITERATIONS or digest not in _DIGESTS or not wanted:
        return False
    return hmac.compare_digest(hashlib.pbkdf2_hmac(digest, password, salt, iterations, len(wanted)), wanted)


def _unpadded(text: str) -> bytes:
    """Base64 without padding; passlib writes ``.`` for ``+``."""
    plain = text.replace(".", "+")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[bytes, re.Match[str]], bool]], ...] = (
    (_BCRYPT, _bcrypt),
    (_SCRYPT, _scrypt_phc),
    (_SCRYPT_WERKZEUG, _scrypt_werkzeug),
    (_PBKDF2, _pbkdf2_phc),
    (_PBKDF2_DJANGO, _pbkdf2_django),
    (_PBKDF2_WERKZEUG, _pbkdf2_werkzeug),
)
