"""Wrong passwords cost the same work for every account and for none, whatever hash an account has.

Hashes differ in what they cost: ours were made with the cost of their time, and others were brought along. If each account took its own
time to refuse a password, the time would tell who has an account. So a refusal works off all that a hash in the database may cost:
what the account's own hash did not take is spent afterwards, on nothing.

Work of one `Work.kind` adds up: two thousand iterations of PBKDF2 are one thousand and one thousand more. Where it does not (argon2 and
scrypt fill memory first) each cost is a kind of its own. What is left to see is whether there are imported hashes at all, and the
most that one of each kind costs; they are gone when the last account that has one has signed in.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

import bcrypt
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from pellucid.auth import imported
from pellucid.auth.imported import MOST_LANES, MOST_MEMORY, Bcrypt, Imported, Pbkdf2, Scrypt

MOST_PASSES = 64
BCRYPT, SCRYPT, PBKDF2 = "bcrypt", "scrypt", "pbkdf2"
_BLANK = b"$" + b"." * 22
"""A salt of bcrypt."""


class Work(NamedTuple):
    """So much of a kind of work. The kind names the algorithm and what of its cost does not add up."""

    kind: tuple[str | int, ...]
    amount: int = 1


def work_of(hashed: str) -> Work | None:
    """What it takes to refuse a password for this hash; None for one that cannot be read or costs too much, which takes nothing."""
    if imported.is_imported(hashed):
        found = imported.read(hashed)
        return None if found is None else _work(found)
    try:
        cost = extract_parameters(hashed)
    except InvalidHashError:
        return None
    if cost.memory_cost > MOST_MEMORY // 1024 or cost.time_cost > MOST_PASSES or cost.parallelism > MOST_LANES:
        return None
    return Work((f"argon2{cost.type.name.lower()}", cost.memory_cost, cost.time_cost, cost.parallelism))


def _work(found: Imported) -> Work:
    match found:
        case Bcrypt(cost=cost):
            return Work((BCRYPT,), 2**cost)
        case Scrypt(n=n, r=r, p=p):
            return Work((SCRYPT, n, r, p))
        case Pbkdf2(name=name, iterations=iterations, digest=digest):
            return Work((PBKDF2, name), iterations * -(-len(digest) // hashlib.new(name).digest_size))


def rest(done: str | None, all_hashes: Iterable[str]) -> Iterator[Work]:
    """What is left to do so that a refusal costs as much as any: the most of each kind, less what the account's own hash took."""
    most: dict[tuple[str | int, ...], int] = {}
    for work in filter(None, map(work_of, all_hashes)):
        most[work.kind] = max(work.amount, most.get(work.kind, 0))
    took = None if done is None else work_of(done)
    for kind, amount in most.items():
        left = amount - took.amount if took is not None and took.kind == kind else amount
        if left > 0:
            yield Work(kind, left)


def spend(work: Work) -> None:
    """Do this work for nothing."""
    with suppress(ValueError, MemoryError, VerificationError, InvalidHashError):
        match work:
            case Work((str(name),), rounds) if name == BCRYPT:
                _spend_rounds(rounds)
            case Work((str(name), int(n), int(r), int(p))) if name == SCRYPT:
                Scrypt(n, r, p, b"salt", bytes(32)).fits(b"")
            case Work((str(name), str(digest)), iterations) if name == PBKDF2:
                hashlib.pbkdf2_hmac(digest, b"", b"salt", iterations)
            case Work((str(name), int(memory), int(passes), int(lanes))):
                PasswordHasher().verify(unmatched(memory, passes, lanes, name), b"")


def _spend_rounds(rounds: int) -> None:
    """Rounds of bcrypt: one hash for each power of two in their number."""
    for cost in range(rounds.bit_length()):
        if rounds >> cost & 1:
            bcrypt.hashpw(b"", b"$2b$%02d" % cost + _BLANK)


def unmatched(memory: int, passes: int, lanes: int, name: str = f"argon2{Type.ID.name.lower()}") -> str:
    """An argon2 hash that costs as much to check as any with these parameters, and that no password fits: its digest is random."""
    salt, digest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"${name}$v=19$m={memory},t={passes},p={lanes}${salt}${digest}"
