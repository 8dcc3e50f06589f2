"""Hashes that others made let people in once, and are ours from then on."""

import base64
import hashlib
from collections.abc import Iterator

import asyncpg
import bcrypt
import httpx
import pytest

from pellucid.auth import effort, imported
from pellucid.auth.effort import work_of
from tests.auth.conftest import CountingPasswords

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


# -- what a wrong password costs -------------------------------------------------------------------------------------------

HASHES = [
    bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode(),
    bcrypt.hashpw(b"x", bcrypt.gensalt(6, b"2a")).decode(),
    *(each for each in FORMS if "scrypt" in each),
    f"$scrypt$ln=3,r=8,p=2${unpadded(SALT)}${unpadded(SALT)}",
    f"pbkdf2_sha256$1000${SALT.decode()}${base64.b64encode(bytes(32)).decode()}",
    f"pbkdf2_sha256$3000${SALT.decode()}${base64.b64encode(bytes(40)).decode()}",
    f"pbkdf2:sha512:500${SALT.decode()}${bytes(64).hex()}",
    f"$pbkdf2-sha1$i=700${unpadded(SALT)}${unpadded(bytes(20))}",
    "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$" + unpadded(bytes(32)),
    "$argon2i$v=19$m=128,t=1,p=1$c2FsdHNhbHQ$" + unpadded(bytes(32)),
    "md5$salt$900150983cd24fb0d6963f7d28e17f72",
    "900150983cd24fb0d6963f7d28e17f72",
]
EVERYTHING = {
    ("argon2id", 64, 1, 1): 1,
    ("argon2id", 64, 2, 1): 1,
    ("argon2i", 128, 1, 1): 1,
    ("bcrypt",): 64,
    ("scrypt", 16, 8, 1): 1,
    ("scrypt", 8, 8, 2): 1,
    ("pbkdf2", "sha256"): 6000,
    ("pbkdf2", "sha512"): 500,
    ("pbkdf2", "sha1"): 700,
}


async def test_a_wrong_password_costs_the_same_work_whatever_hash_an_account_has_and_none(
    client: httpx.AsyncClient, admin: asyncpg.Connection, passwords: CountingPasswords
) -> None:
    await client.post("/signup", json=ADA)
    for number, hashed in enumerate(HASHES):
        await client.post("/signup", json=ADA | {"email": f"{number}@example.com"})
        named = "update auth.passwords set hash = $1 from auth.users u where u.id = user_id and u.email = $2"
        await admin.execute(named, hashed, f"{number}@example.com")
    for name in ("nobody", "ada", *range(len(HASHES))):
        for wrong in ("a wrong password", "a wrong\0password", "\0", "w" * 200):
            passwords.worked.clear()
            entry = {"email": f"{name}@example.com", "password": wrong}
            assert (await client.post("/login", json=entry)).status_code == 401
            assert passwords.worked == EVERYTHING, (name, wrong)


async def test_what_imported_hashes_cost_is_forgotten_with_the_last_of_them(
    client: httpx.AsyncClient, admin: asyncpg.Connection, passwords: CountingPasswords
) -> None:
    await client.post("/signup", json=ADA)
    await admin.execute("update auth.passwords set hash = $1", FORMS[0])
    worked = []
    for _ in range(2):
        passwords.worked.clear()
        await client.post("/login", json=ADA | {"email": "nobody@example.com"})
        worked.append(set(passwords.worked))
        await client.post("/login", json=ADA)
    assert worked == [{("bcrypt",), ("argon2id", 64, 1, 1)}, {("argon2id", 64, 1, 1)}]


@pytest.mark.parametrize("hashed", HASHES, ids=range(len(HASHES)))
async def test_the_kind_of_a_hash_costs_the_same_and_tells_no_more(admin: asyncpg.Connection, hashed: str) -> None:
    kind = await admin.fetchval("select auth.password_kind($1)", hashed)
    assert work_of(kind) == work_of(hashed)
    assert hashed[-20:] not in kind
    for work in filter(None, [work_of(hashed)]):
        effort.spend(work)


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
    "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$" + "a" * 43,
    "$argon2id$v=19$m=64,t=999999,p=1$c2FsdHNhbHQ$" + "a" * 43,
    "$pbkdf2-sha256$99999999$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$0$c2FsdA$aGFzaA",
    "$pbkdf2-sha256$10$c2FsdA$!!!!",
    "pbkdf2:md5:10$salt$abcd",
    "pbkdf2:sha256:10$salt$abc",
]


@pytest.mark.parametrize("hashed", BAD)
def test_a_hash_that_makes_no_sense_or_costs_too_much_fits_nothing(hashed: str) -> None:
    assert not imported.fits(PLAIN.encode(), hashed)
    assert work_of(hashed) is None


def test_the_whole_of_a_long_password_counts_but_for_bcrypt() -> None:
    word = b"x" * 100
    for hashed in FORMS:
        assert not imported.fits(word, hashed)
    assert imported.fits(word, bcrypt.hashpw(word[:72], bcrypt.gensalt(4)).decode())
