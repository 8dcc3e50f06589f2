"""On whose behalf a transaction runs."""

from msgspec import Struct

from pellucid.database.driver import OWN_PATH

ACCOUNTS_ROLE = "pellucid_accounts"
"""Owns the schema ``auth``. Only Pellucid's own account service takes it; no token can name it."""

INTERNAL_ROLES = frozenset({ACCOUNTS_ROLE, "authenticator", "postgres"})
"""Roles that no token may ask for."""


class Caller(Struct, frozen=True):
    """The PostgreSQL role of a request and what it sees with ``current_setting``.

    ``claims`` is the token's payload as JSON text, put in ``request.jwt.claims``. ``settings`` are further pairs, such as
    ``request.method`` and ``request.path``. ``search_path`` is what unqualified names are looked up in, where the role's own settings
    say nothing else. All of them last for one transaction.
    """

    role: str
    claims: str = "{}"
    settings: tuple[tuple[str, str], ...] = ()
    search_path: str | None = None


ACCOUNTS = Caller(ACCOUNTS_ROLE, search_path=OWN_PATH)
"""The account service itself: sign-up and sign-in look at accounts before anybody is known. No function or operator of somebody else's is
run there for one of PostgreSQL's own."""
