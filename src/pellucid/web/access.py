"""One line a request."""

import logging
import time
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from pellucid.web.exchange import Exchange
from pellucid.web.logs import json_lines, moment
from pellucid.web.redact import is_suspect, mask_query

_log = logging.getLogger("pellucid.access")
_MESSAGE = "%s %s %d %.1f ms"
_TOLD = ("method", "path", "status", "ms")


def log_access(exchange: Exchange) -> None:
    """Write the access line of an exchange: what was asked, by whom, what came of it and where the time went."""
    if not _log.isEnabledFor(logging.INFO):
        return
    told = exchange.method, shown_path(exchange), exchange.status, exchange.seconds * 1000
    message = _MESSAGE % told
    lines = json_lines(_log)
    if lines is not None and _is_plain(exchange, message):
        lines.write(_line(exchange, message))
    else:
        _log.info(_MESSAGE, *told, extra={"fields": _fields(exchange), "told": _TOLD})


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


# -- the same line, written straight away: a record and its way through the formatter cost more than all else in a request ------


def _is_plain(exchange: Exchange, message: str) -> bool:
    """Whether there is nothing in the line to blot out; the message has the method and the path in it."""
    innocent = _is_innocent(exchange.route) and (exchange.role is None or _is_innocent(exchange.role))
    return innocent and not exchange.facts and not is_suspect(message)


@lru_cache(maxsize=1024)
def _is_innocent(text: str) -> bool:
    return not is_suspect(text)


def _line(exchange: Exchange, message: str) -> str:
    """What `pellucid.web.logs.JsonLines` would write."""
    role = f', "role": {quoted(exchange.role)}' if exchange.role is not None else ""
    finished = "" if exchange.finished else ', "finished": false'
    stages = ", ".join([f'"{stage}": {round(seconds * 1000, 3)!r}' for stage, seconds in exchange.stages().items()])
    line = (
        f'{{"time": "{moment(time.time())}", "level": "info", "logger": "{_log.name}", "message": {quoted(message)}, '
        f'"request_id": "{exchange.request_id}", "method": {quoted(exchange.method)}, '
        f'"path": {quoted(exchange.scope["path"])}, "route": {quoted(exchange.route)}, "status": {exchange.status}, '
        f'"ms": {round(exchange.seconds * 1000, 3)!r}{role}{finished}, "stages": {{{stages}}}}}'
    )
    return line.replace("\x7f", "\\u007f")
