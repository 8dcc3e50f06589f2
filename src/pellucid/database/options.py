"""What the database layer needs to be told."""

from msgspec import Struct


class DatabaseOptions(Struct, frozen=True):
    """Where the database is, and how many connections this process may hold.

    ``dsn`` logs in with the role that requests start from; ``admin_dsn`` is for changing the schema, and None where nothing may be
    changed. Both are what asyncpg reads: ``postgresql://role@/database?host=/socket/directory`` or with a host and a port. ``schemas``
    are the exposed ones, the default first. ``extra_search_path`` are schemas whose functions and types are at hand without being
    exposed. On ``channel`` a notification has the schema read again. ``session`` are settings that each connection of the pool begins
    with. Times are in seconds.
    """

    dsn: str
    admin_dsn: str | None = None
    schemas: tuple[str, ...] = ("public",)
    extra_search_path: tuple[str, ...] = ("public",)
    anon_role: str = "anon"
    channel: str = "pgrst"
    pool_size: int = 10
    pool_timeout: float = 10.0
    connect_timeout: float = 10.0
    application_name: str = "pellucid"
    session: tuple[tuple[str, str], ...] = ()
