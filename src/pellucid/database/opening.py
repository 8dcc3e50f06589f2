"""How every transaction opens: with the caller's role, claims and settings, all of them for this transaction only."""

from dataclasses import dataclass

from pellucid.database.caller import Caller
from pellucid.database.catalog.model import Catalog
from pellucid.database.sqlstate import translate
from pellucid.errors import PellucidError

OPENING = "select pg_catalog.set_config(name, value, true) from unnest($1::text[], $2::text[]) as setting(name, value)"
"""The one statement that opens a transaction. Its text never changes, so each connection prepares it once."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What `OPENING` sets, in which kind of transaction, and with whose eyes its errors are read.

    ``anonymous`` tells whether the caller has proved nothing: PostgREST answers such a caller with 401 where others get 403.
    """

    names: tuple[str, ...]
    values: tuple[str, ...]
    catalog: Catalog
    read_only: bool
    anonymous: bool

    @property
    def begin(self) -> str:
        """The statement before it."""
        return "BEGIN READ ONLY" if self.read_only else "BEGIN"

    def translated(self, fault: Exception) -> PellucidError:
        """The error as a client may see it."""
        return translate(fault, anonymous=self.anonymous, catalog=self.catalog)


def opening(caller: Caller, catalog: Catalog, *, read_only: bool, anonymous: bool) -> Opening:
    """Work out how a transaction of ``caller`` opens. The role comes last, so the settings are those of the role that logged in.

    Args:
        caller: on whose behalf.
        catalog: knows what ``ALTER ROLE … SET`` gave the caller's role.
        read_only: whether PostgreSQL shall refuse every write.
        anonymous: whether the caller's role is the one for callers without a token.
    """
    settings = catalog.role_settings.get(caller.role, ())
    pairs = (*settings, *caller.settings, ("request.jwt.claims", caller.claims), ("role", caller.role))
    names, values = zip(*pairs, strict=True)
    return Opening(names, values, catalog, read_only, anonymous)
