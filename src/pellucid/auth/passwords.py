"""Passwords: which are accepted, and how they are kept.

The rules are those of NIST SP 800-63B: a least length, no rules of composition, every character allowed, nothing cut off, and none of
those that everybody tries first. A password is brought to Unicode's form NFKC before anything else, so that it is the same password
on every keyboard. It is kept as an argon2id hash (RFC 9106).
"""

import unicodedata
from collections.abc import Iterable

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

from pellucid.auth import effort, imported
from pellucid.auth.common_passwords import common_passwords
from pellucid.errors import Unavailable
from pellucid.observe import Stage, observe

MIN_LENGTH = 8
"""Characters (Unicode code points) a new password must have."""
MAX_BYTES = 1024
"""Bytes of UTF-8 that are read, so that nobody can keep the server busy with one password."""


class PasswordOptions(Struct, frozen=True):
    """What a hash costs; the defaults are the second recommendation of RFC 9106, 4.

    ``memory`` is in KiB. ``at_once`` hashes run at the same time in a process, so it needs up to ``at_once * memory`` for them;
    ``waiting`` more may queue, and the rest is told to come back. With ``calibrated`` the passes are those that
    `pellucid.auth.calibration` has found for the machine.
    """

    passes: int = 3
    memory: int = 64 * 1024
    lanes: int = 4
    at_once: int = 2
    waiting: int = 64
    calibrated: bool = False


class Passwords:
    """Hashes and checks passwords in worker threads, a few at a time."""

    def __init__(self, options: PasswordOptions) -> None:
        self.cost(options)
        self._limiter = CapacityLimiter(options.at_once)

    def cost(self, options: PasswordOptions) -> None:
        """Have hashes cost this from now on."""
        self.options = options
        self._hasher = PasswordHasher(
            time_cost=options.passes, memory_cost=options.memory, parallelism=options.lanes, hash_len=32, salt_len=16
        )
        self._nobody = effort.unmatched(options.memory, options.passes, options.lanes)

    async def hash(self, password: str) -> str:
        """A new hash in PHC form, with a salt of its own.

        Raises:
            Unavailable: too many are waiting already.
        """
        self._refuse_crowd()
        with observe(Stage.IDENTITY, work="password hash"):
            return await to_thread.run_sync(self._hasher.hash, _prepared(password), limiter=self._limiter)

    async def verify(self, password: str, hashed: str | None, others: Iterable[str] = ()) -> bool:
        """Whether the password fits. With no hash it never does.

        Args:
            password: as it was typed.
            hashed: the account's hash; None where there is no account.
            others: what else the hash might have been (`pellucid.auth.effort`). A refusal takes the work of all of them, and of a hash of
                today's cost, whichever it was.

        Raises:
            Unavailable: too many are waiting already.
        """
        self._refuse_crowd()
        others = (self._nobody, *others)
        with observe(Stage.IDENTITY, work="password check"):
            return await to_thread.run_sync(self._judged, password, hashed, others, limiter=self._limiter)

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than today's, or elsewhere."""
        return imported.is_imported(hashed) or self._hasher.check_needs_rehash(hashed)

    def _judged(self, password: str, hashed: str | None, others: Iterable[str]) -> bool:
        if hashed is not None and self._fits(password, hashed):
            return True
        for work in effort.rest(hashed, others):
            self._spend(work)
        return False

    def _fits(self, password: str, hashed: str) -> bool:
        if imported.is_imported(hashed):
            return imported.fits(password.encode("utf-8", "surrogatepass"), hashed)  # as it was hashed elsewhere
        try:
            return effort.work_of(hashed) is not None and self._hasher.verify(hashed, _prepared(password))
        except (VerificationError, InvalidHashError):
            return False

    def _spend(self, work: effort.Work) -> None:
        effort.spend(work)

    def _refuse_crowd(self) -> None:
        if self._limiter.statistics().tasks_waiting >= self.options.waiting:
            raise Unavailable(
                "Too many people are signing in at this moment.",
                hint="Try again in a second.",
                headers={"Retry-After": "1"},
            )


def normalised(password: str) -> str:
    """The one spelling of a password that is hashed (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", password)


def weakness(password: str) -> str | None:
    """What makes a password unfit for a new account, as a sentence; None when nothing does."""
    plain = normalised(password)
    if len(plain) < MIN_LENGTH:
        return f"The password needs at least {MIN_LENGTH} characters"
    if len(plain.encode()) > MAX_BYTES:
        return f"The password may have at most {MAX_BYTES} bytes"
    if len(set(plain)) == 1 or plain.casefold() in common_passwords():
        return "The password is one of those that are tried first; choose a less common one"
    return None


def resembles(password: str, email: str) -> bool:
    """Whether the password is the e-mail address, or the part of it before the @."""
    plain = normalised(password).casefold()
    return plain in (email.casefold(), email.casefold().partition("@")[0])


def _prepared(password: str) -> bytes:
    return normalised(password).encode()
