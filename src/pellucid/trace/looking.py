"""What of the database a tracer looks at, and how: put together once for each worker."""

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from sqlalchemy import event

from pellucid.database.capabilities import Capabilities, Feature
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.errors import StartupError
from pellucid.later import later
from pellucid.trace.options import TraceOptions
from pellucid.trace.tracer import Tracer
from pellucid.trace.witness import Lookout, Watcher
from pellucid.trace.witness.slow import SlowPlans

if TYPE_CHECKING:
    from pellucid.trace import export, otlp
else:
    export, otlp = later("pellucid.trace.export"), later("pellucid.trace.otlp")


def slow_plans(options: TraceOptions, capabilities: Capabilities) -> SlowPlans | None:
    """What hears the plans of slow statements; None where no threshold was chosen, or PostgreSQL cannot tell them."""
    if options.slow is None or capabilities.lacking(Feature.PLANS) is not None:
        return None
    return SlowPlans(capabilities.server_version, max(1, round(options.slow * 1000)))


def telling(options: DatabaseOptions, slow: SlowPlans | None) -> DatabaseOptions:
    """The options of a database whose connections tell the plans of slow statements."""
    return options if slow is None else replace(options, session=(*options.session, *slow.server_settings.items()))


def tracer_of(
    database: Database, options: TraceOptions, slow: SlowPlans | None, admin_dsn: str | None = None
) -> Tracer:
    """The tracer of a worker.

    Args:
        database: the one of the worker.
        options: what is traced.
        slow: hears the plans of slow statements.
        admin_dsn: logs in with the role that may see most; None where that is the one of ``database``.
    """
    if slow is not None:
        _hear(database, slow)
    lookout = Lookout(database.options, admin_dsn, database.capabilities)
    return Tracer(
        options,
        lookout,
        lookers=lambda: Watcher(lookout),
        slow=slow,
        exporter=exporter_of(options),
    )


def exporter_of(options: TraceOptions) -> "export.Exporter | None":
    """What sends traces on; None where nobody receives any. Its messages are read in only where they are written.

    Raises:
        StartupError: they cannot be.
    """
    if options.endpoint is None:
        return None
    try:
        request_of = otlp.request_of
    except ImportError as fault:
        raise StartupError(
            "otlp_endpoint needs the package opentelemetry-proto", hint="pip install opentelemetry-proto"
        ) from fault
    return export.Exporter(options, request_of)


def _hear(database: Database, slow: SlowPlans) -> None:
    """Hear each connection that the pool opens from now on."""

    def opened(connection: Any, _record: Any) -> None:
        slow.listen(connection.driver_connection)

    event.listen(database.engine.sync_engine, "connect", opened)
