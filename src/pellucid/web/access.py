"""One line a request."""

import logging

from pellucid.web.exchange import Exchange
from pellucid.web.redact import mask_query

_log = logging.getLogger("pellucid.access")


def log_access(exchange: Exchange) -> None:
    """Write the access line of an exchange: what was asked, by whom, what came of it and where the time went."""
    if not _log.isEnabledFor(logging.INFO):
        return
    _log.info(
        "%s %s %d %.1f ms",
        exchange.method,
        shown_path(exchange),
        exchange.status,
        exchange.seconds * 1000,
        extra={"fields": _fields(exchange)},
    )


def shown_path(exchange: Exchange) -> str:
    """Path and query as they were sent, without the values of secrets."""
    path = str(exchange.scope["path"])
    query = mask_query(exchange.scope["query_string"].decode("latin-1"))
    return f"{path}?{query}" if query else path


def _fields(exchange: Exchange) -> dict[str, object]:
    fields: dict[str, object] = {
        "method": exchange.method,
        "path": exchange.scope["path"],
        "route": exchange.route,
        "status": exchange.status,
        "ms": round(exchange.seconds * 1000, 3),
    }
    if exchange.role is not None:
        fields["role"] = exchange.role
    if not exchange.finished:
        fields["finished"] = False
    stages = {str(stage): round(seconds * 1000, 3) for stage, seconds in exchange.stages().items()}
    return fields | exchange.facts | {"stages": stages}
