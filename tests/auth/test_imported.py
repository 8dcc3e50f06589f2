"""Hashes that others made let people in once, and are ours from then on."""

import base64
import hashlib
from collections.abc import Iterator

import asyncpg
import bcrypt
import httpx
import pytest

from pellucid.auth import imported

PLAIN = "an engine of brass"
ADA = {"email": "ada@example.com", "password": PLAIN}
SALT = b"0123456789abcdef"


def unpadded(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def made() -> Iterator[str]:
    """The same password in every form."""
    word = PLAIN.encode()
    yield bcrypt.hashpw(word, bcrypt.gensalt(4)).decode()
    yield bcrypt.hashpw(word, bcrypt.gensalt(4, b"2a")).decode()
    scrypt = hashlib.scrypt(word, salt=SALT, n=16, r=8, p=1, dklen=32)
    yield f"$scrypt$ln=4,r=8,p=1${unpadded(SALT)}${unpadded(scrypt)}"
    yield f"scrypt:16:8:1${SALT.decode()}${scrypt.hex()}"
    for digest in ("sha256", "sha512"):
        derived = hashlib.pbkdf2_hmac(digest, word, SALT, 10)
        yield f"$pbkdf2-{digest}$10${unpadded(SALT)}${unpadded(derived).replace('+', '.')}"
        yield f"$pbkdf2-{digest}$i=10${unpadded(SALT)}${unpadded(derived)}"
        yield f"pbkdf2_{digest}$10${SALT.decode()}${base64.b64encode(derived).decode()}"
        yield f"pbkdf2:{digest}:10${SALT.decode()}${derived.hex()}"


FORMS = list(made())


@pytest.mark.parametrize("hashed", FORMS, ids=lambda text: text[:7])
async def test_an_imported_hash_lets_in_and_is_ours_from_then_on(
    client: httpx.AsyncClient, admin: asyncpg.Connection, hashed: str
) -> None:
    await client.post("/signup", json=ADA)
    await admin.execute("update auth.passwords set hash = $1", hashed)
    assert (await client.post("/login", json=ADA | {"password": "a wrong one"})).status_code == 401
    assert await admin.fetchval("select hash from auth.passwords") == hashed
    assert (await client.post("/login", json=ADA)).status_code == 200
    assert (await admin.fetchval("select hash from auth.passwords")).startswith("$argon2id$")
    assert (await client.post("/login", json=ADA)).status_code == 200


BAD = [
    "",
    "*",
    PLAIN,
    "$1$salt$md5",
    "$2b$31$" + "a" * 53,
    "$2b$12$" + "!" * 53,
    "$scrypt$ln=40,r=8,p=1$c2FsdA$aGFzaA",
    "$scrypt$ln=4,r=999999,p=1$c2FsdA$aGFzaA",
    "$scrypt$ln=4,r=8,p=0$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$99999999$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$0$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$10$c2FsdA$!!!!",
    "pbkdf2:md5:10$salt$abcd",
    "pbkdf2:sha256:10$salt$abc",
]


@pytest.mark.parametrize("hashed", BAD)
def test_a_hash_that_makes_no_sense_or_costs_too_much_fits_nothing(hashed: str) -> None:
    assert not imported.fits(PLAIN.encode(), hashed)


def test_the_whole_of_a_long_password_counts_but_for_bcrypt() -> None:
    word = b"x" * 100
    for hashed in FORMS:
        assert not imported.fits(word, hashed)
    assert imported.fits(word, bcrypt.hashpw(word[:72], bcrypt.gensalt(4)).decode())
