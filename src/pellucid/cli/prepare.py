"""What a start does to the database, while `pellucid.cli.serve` imports what answers requests. It imports little itself."""

from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct

from pellucid.database.bootstrap import bootstrap
from pellucid.database.capabilities import Capabilities
from pellucid.database.login import cautions
from pellucid.database.named import Named
from pellucid.postgres import PostgresServer
from pellucid.rest.options import qualified
from pellucid.settings import Settings
from pellucid.web.logs import LogFormat, LogOptions, configure_logging


class Found(Struct, frozen=True):
    """What can be done with the database, and what is said at the start about the role that logs in."""

    capabilities: Capabilities
    cautions: tuple[str, ...]


def begin_log(settings: Settings) -> None:
    """Set up logging."""
    configure_logging(LogOptions(level=settings.log_level, format=LogFormat(settings.log_format)))


async def ready(
    settings: Settings, server: PostgresServer, started: Future[None], progress: Callable[[str], None]
) -> Found:
    """Bring the database to where the application expects it.

    Args:
        started: the start of PostgreSQL, which is over.

    Raises:
        StartupError: PostgreSQL did not start, or the database cannot be reached or is too old.
    """
    started.result()
    progress("Preparing the database")
    capabilities = await bootstrap(server.admin_dsn, schemas=settings.schemas)
    return Found(capabilities, await cautions(server.dsn, production=settings.production, named=named(settings)))


def named(settings: Settings) -> Named:
    """What these settings name in the database, beside the schemas."""
    functions = {"pre_request": settings.pre_request, "root_spec": settings.root_spec}
    return Named(
        anon_role=settings.anon_role or "",
        functions={setting: qualified(name) for setting, name in functions.items() if name},
        searched=(*settings.schemas, *settings.extra_search_path),
    )
