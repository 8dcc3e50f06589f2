"""How the process writes its log: one line an event, as JSON or as coloured text, without secrets and without forged lines."""

import json
import logging
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, TextIO

from msgspec import Struct

from pellucid.web.catcher import was_logged
from pellucid.web.exchange import current
from pellucid.web.redact import BLOT, escape, is_secret, redact

_LEVELS = {"DEBUG": "\x1b[2m", "INFO": "\x1b[36m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"

_CHATTY = ("alembic", "sqlalchemy", "pellucid.database.pool.FairPool", "httpx", "httpcore")
"""Libraries that tell at level INFO what is news to their developers alone; SQLAlchemy logs a pool under the pool's own name."""


class LogFormat(Enum):
    """The shapes of a line. ``AUTO`` means text on a terminal and JSON anywhere else."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class LogOptions(Struct, frozen=True):
    """How much is logged, and how it looks."""

    level: str = "INFO"
    format: LogFormat = LogFormat.AUTO


def configure_logging(options: LogOptions, stream: TextIO | None = None) -> None:
    """Send every logger of this process through one handler.

    The servers' own loggers lose their handlers, and uvicorn's access log is silenced: the web room writes a better line. Start
    uvicorn with ``log_config=None``, or it puts them back.

    Args:
        options: level and shape.
        stream: where to; standard error unless told.
    """
    stream = stream or sys.stderr
    handler = Lines(stream)
    handler.setFormatter(_formatter(options.format, stream))
    handler.addFilter(_not_twice)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options.level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING if root.level == logging.INFO else logging.NOTSET)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "asyncio", "sqlalchemy"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.captureWarnings(capture=True)


def _formatter(chosen: LogFormat, stream: TextIO) -> logging.Formatter:
    terminal = stream.isatty()
    if chosen is LogFormat.JSON or (chosen is LogFormat.AUTO and not terminal):
        return JsonLines()
    return TextLines(colour=terminal)


def _not_twice(record: logging.LogRecord) -> bool:
    """Drop what a server says about an error that was logged with its stack already."""
    fault = record.exc_info[1] if record.exc_info else None
    return fault is None or not was_logged(fault)


class Lines(logging.StreamHandler[TextIO]):
    """Writes to a stream. Each line leaves at once, so that the log is whole whatever ends the process."""

    def write(self, line: str) -> None:
        """Write a line that is formatted already."""
        with self.lock or nullcontext():
            try:
                self.stream.write(line + self.terminator)
                self.flush()
            except Exception:  # noqa: BLE001 - as in StreamHandler.emit: no request fails for its line
                self.handleError(logging.makeLogRecord({"msg": line}))


def json_lines(logger: logging.Logger) -> Lines | None:
    """Where the lines of a logger go, if that is our own handler with JSON, and nobody else looks at them on their way."""
    if logger.filters or logging.getLogRecordFactory() is not logging.LogRecord:
        return None
    found = list(logger.handlers)
    while logger.propagate and logger.parent is not None:
        logger = logger.parent
        found += logger.handlers
    if len(found) != 1 or type(found[0]) is not Lines:
        return None
    handler = found[0]
    usual = type(handler.formatter) is JsonLines and handler.filters == [_not_twice] and handler.level == logging.NOTSET
    return handler if usual else None


_ENCODER = json.JSONEncoder(default=str)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line = {
            "time": moment(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        } | fields_of(record)
        if stack := _stack(self, record):
            line["stack"] = redact(stack)
        return _ENCODER.encode(line).replace("\x7f", "\\u007f")


class TextLines(logging.Formatter):
    """One line for people; a stack follows indented, so that nothing in it can pass for a line of its own.

    What the message says already, by the record's ``told``, is not said again.
    """

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        time = self._paint(_DIM, f"{_moment(record):%H:%M:%S.%f}"[:-3])
        level = self._paint(_LEVELS.get(record.levelname, ""), f"{record.levelname.lower():<8}")
        told = getattr(record, "told", ())
        fields = " ".join(f"{name}={_plain(value)}" for name, value in fields_of(record).items() if name not in told)
        line = f"{time} {level} {escape(redact(record.getMessage()))}"
        line += f" {self._paint(_DIM, fields)}" if fields else ""
        stack = [f"    | {escape(text)}" for text in redact(_stack(self, record)).splitlines()]
        return "\n".join([line, *stack])

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self.colour else text


def _plain(value: Any) -> str:
    pairs = isinstance(value, Mapping)
    return escape(",".join(f"{name}:{each}" for name, each in value.items()) if pairs else str(value))


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The request id of the exchange under way, and what was given as ``extra={"fields": {…}}``; secrets are blotted out."""
    fields: dict[str, Any] = {}
    if exchange := current.get():
        fields["request_id"] = exchange.request_id
    given: Mapping[str, Any] = getattr(record, "fields", {})
    return fields | {name: _shown(name, value) for name, value in given.items()}


def _shown(name: str, value: Any) -> Any:
    if is_secret(name):
        return BLOT
    return redact(value) if isinstance(value, str) else value


def moment(created: float) -> str:
    """A time in seconds since 1970 as RFC 3339 has it, in UTC and to the millisecond."""
    seconds, thousandths = divmod(int(created * 1000), 1000)
    return f"{_second(seconds)}.{thousandths:03d}+00:00"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _stack(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    return "\n".join([*parts, formatter.formatStack(record.stack_info)] if record.stack_info else parts)
