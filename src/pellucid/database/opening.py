"""How every transaction opens: with the caller's role, claims and settings, all of them for this transaction only."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from pellucid.database.caller import ACCOUNTS_ROLE, Caller
from pellucid.database.catalog.model import Catalog
from pellucid.database.sqlstate import translate
from pellucid.errors import Fault, InvalidValue, PellucidError
from pellucid.observe import Fact

OPENING = "select pg_catalog.set_config(name, value, true) from unnest($1::text[], $2::text[]) as setting(name, value)"
"""The one statement that opens a session's transaction. Its text never changes, so each connection prepares it once."""


ISOLATION_LEVELS = frozenset({"serializable", "repeatable read", "read committed", "read uncommitted"})
"""PostgreSQL's isolation levels (SET TRANSACTION)."""
ISOLATION = "default_transaction_isolation"
"""The setting that chooses one. It speaks of transactions that begin later, so each of ours is begun with it."""


_BACKSLASH = "\\"
_NUL = Fault("", "A value holds the character NUL.", "PostgreSQL has no such text; leave it out.")


class Beginning(Struct, frozen=True):
    """How a transaction is wanted.

    ``isolation`` is one of `ISOLATION_LEVELS`; None means what the caller's role has, or PostgreSQL's default. ``first`` is a statement
    to be run before all others. Without ``commits`` the transaction is rolled back in the end, its deferred constraints checked.
    """

    caller: Caller
    read_only: bool = False
    isolation: str | None = None
    first: str | None = None
    commits: bool = True


class Opening(Struct, frozen=True):
    """What `OPENING` sets, in which kind of transaction, and with whose eyes its errors are read.

    ``anonymous`` tells whether the caller has proved nothing: PostgREST answers such a caller with 401 where others get 403.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    catalog: Catalog
    anonymous: bool
    read_only: bool = False
    isolation: str | None = None
    first: str | None = None

    @property
    def begin(self) -> str:
        """BEGIN and all the settings as one message, so that they take one round trip."""
        return f"{self.start}; {self.settings}"

    @property
    def start(self) -> str:
        """BEGIN alone."""
        level = f" ISOLATION LEVEL {self.isolation.upper()}" if self.isolation else ""
        return f"BEGIN{level}{' READ ONLY' if self.read_only else ''}"

    @property
    def settings(self) -> str:
        """The settings alone."""
        return setting(zip(self.names, self.values, strict=True))

    @property
    def facts(self) -> dict[str, Fact]:
        """What there is to be told of it; no value but the role's name."""
        return {
            "role": dict(zip(self.names, self.values, strict=True)).get("role", ""),
            "isolation": self.isolation or "read committed",
            "access": "read only" if self.read_only else "read write",
            "where": "primary",
            "settings": len(self.names),
            "first": self.first is not None,
        }

    def afterwards(self, settings: Sequence[tuple[str, str]]) -> str:
        """SQL that makes further settings in the open transaction, as the role that logged in, and takes the caller's role again."""
        return setting([("role", "none"), *settings, (self.names[-1], self.values[-1])])

    def translated(self, fault: Exception) -> PellucidError:
        """The error as a client may see it."""
        return translate(fault, anonymous=self.anonymous, catalog=self.catalog, role=self.role)

    @property
    def role(self) -> str | None:
        """Whose eyes: the caller's role. Pellucid's own account service may know of every table."""
        role = dict(zip(self.names, self.values, strict=True)).get("role")
        return None if role == ACCOUNTS_ROLE else role


def opening(beginning: Beginning, catalog: Catalog, *, anonymous: bool) -> Opening:
    """Work out how a transaction opens. The role comes last, so the settings are those of the role that logged in.

    Args:
        beginning: how it is wanted.
        catalog: knows what ``ALTER ROLE … SET`` gave the caller's role.
        anonymous: whether the caller's role is the one for callers without a token.
    """
    caller = beginning.caller
    settings = catalog.role_settings.get(caller.role, ())
    path = () if caller.search_path is None else (("search_path", caller.search_path),)
    pairs = (*path, *settings, *caller.settings, ("request.jwt.claims", caller.claims), ("role", caller.role))
    names, values = zip(*pairs, strict=True)
    return Opening(
        names,
        values,
        catalog,
        anonymous,
        read_only=beginning.read_only,
        isolation=isolation(beginning.isolation) or isolation(dict(settings).get(ISOLATION)),
        first=beginning.first,
    )


def setting(pairs: Iterable[tuple[str, str]]) -> str:
    """One statement that makes settings for the transaction, one after the other.

    Raises:
        InvalidValue: one of them holds a NUL.
    """
    made = ", ".join(f"pg_catalog.set_config({literal(name)}, {literal(value)}, true)" for name, value in pairs)
    return f"SELECT {made}"


def literal(text: str) -> str:
    """A text as SQL (PostgreSQL, 4.1.2.2), whatever ``standard_conforming_strings`` says.

    Raises:
        InvalidValue: it holds a NUL, which would end the message in its middle.
    """
    if "\0" in text:
        raise InvalidValue('invalid byte sequence for encoding "UTF8": 0x00', sqlstate="22021", faults=(_NUL,))
    quoted = text.replace("'", "''")
    return f"E'{quoted.replace(_BACKSLASH, _BACKSLASH * 2)}'" if _BACKSLASH in quoted else f"'{quoted}'"


def isolation(text: str | None) -> str | None:
    """The isolation level that a setting names, or None."""
    level = (text or "").strip().lower()
    return level if level in ISOLATION_LEVELS else None
