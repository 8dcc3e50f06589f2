"""How every transaction opens: with the caller's role, claims and settings, all of them for this transaction only."""

from dataclasses import dataclass, replace

from pellucid.database.caller import ACCOUNTS_ROLE, Caller
from pellucid.database.catalog.model import Catalog
from pellucid.database.sqlstate import translate
from pellucid.errors import PellucidError

OPENING = "select pg_catalog.set_config(name, value, true) from unnest($1::text[], $2::text[]) as setting(name, value)"
"""The one statement that opens a transaction. Its text never changes, so each connection prepares it once."""


ISOLATION_LEVELS = frozenset({"serializable", "repeatable read", "read committed", "read uncommitted"})
"""PostgreSQL's isolation levels (SET TRANSACTION)."""
ISOLATION = "default_transaction_isolation"
"""The setting that chooses one. It speaks of transactions that begin later, so each of ours is begun with it."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a transaction is wanted.

    ``isolation`` is one of `ISOLATION_LEVELS`; None means what the caller's role has, or PostgreSQL's default. ``first`` is a statement
    to be run before all others. Without ``commits`` the transaction is rolled back in the end, its deferred constraints checked.
    """

    caller: Caller
    read_only: bool = False
    isolation: str | None = None
    first: str | None = None
    commits: bool = True


@dataclass(frozen=True, slots=True)
class Opening:
    """What `OPENING` sets, in which kind of transaction, and with whose eyes its errors are read.

    ``anonymous`` tells whether the caller has proved nothing: PostgREST answers such a caller with 401 where others get 403. ``limit`` is
    how long a statement may take where no setting says so.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    catalog: Catalog
    anonymous: bool
    read_only: bool = False
    isolation: str | None = None
    first: str | None = None
    limit: str | None = None

    @property
    def begin(self) -> str:
        """The statement before it."""
        level = f" ISOLATION LEVEL {self.isolation.upper()}" if self.isolation else ""
        limit = f"; SET LOCAL statement_timeout = '{self.limit}'" if self.limit else ""
        return f"BEGIN{level}{' READ ONLY' if self.read_only else ''}{limit}"

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


def shared(one: Opening, limit: str) -> Opening:
    """How a transaction opens in which several callers' requests travel: each brings its own role, claims and settings.

    Args:
        one: how it would open for one of them alone; they all agree in its kind.
        limit: how long all of them together may take.
    """
    return replace(one, names=(), values=(), limit=limit)


def isolation(text: str | None) -> str | None:
    """The isolation level that a setting names, or None."""
    level = (text or "").strip().lower()
    return level if level in ISOLATION_LEVELS else None
