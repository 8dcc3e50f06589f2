"""What is written on the command line of ``pellucid trace``, in curl's letters, as a request and the ways to ask it."""

import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from pellucid import __version__
from pellucid.errors import StartupError
from pellucid.trace.client.asked import Asked, plain
from pellucid.web.redact import escape, mask_query, redact

OWN = "http://127.0.0.1:8000"
"""Where a path alone is asked: the address of ``pellucid serve``."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_FORM = "application/x-www-form-urlencoded"


class Written(Struct, frozen=True):
    """The parts of a request as they were written."""

    words: Sequence[str]
    method: str | None = None
    headers: Sequence[str] = ()
    data: Sequence[str] = ()
    json: str | None = None
    user: str | None = None


def request(written: Written) -> Asked:
    """The request.

    Raises:
        StartupError: something is written wrongly.
        pellucid.trace.client.failure.Failed: the address is none.
    """
    method, url = _method_and_url(written)
    body, kind = _body(written)
    headers = list(_headers(written.headers))
    given = {name.lower() for name, _ in headers}
    usual = [
        ("accept", "application/json" if written.json is not None else "*/*"),
        ("user-agent", f"pellucid/{__version__}"),
    ]
    usual += [("content-type", kind)] if kind else []
    usual += [("authorization", basic)] if (basic := _basic(written.user, url)) else []
    sent = [
        *((name, value) for name, value in usual if name not in given),
        *((name, value) for name, value in headers if value is not None),
    ]
    return Asked(method or ("GET" if body is None else "POST"), plain(url), tuple(sent), body)


def _method_and_url(written: Written) -> tuple[str | None, str]:
    match list(written.words):
        case [url]:
            return written.method, whole(url)
        case [method, url] if method.isalpha() and written.method is None:
            return method.upper(), whole(url)
        case [first, _] if written.method is not None and first.isalpha():
            raise StartupError("the method is given twice", hint="leave out -X, or the word in front of the address")
        case _:
            raise StartupError("that is not a method and an address", hint="write: pellucid trace [METHOD] URL")


def whole(url: str) -> str:
    """An address with its scheme and host: a path alone means `OWN`, and a host alone means ``http://``."""
    if url.startswith("/"):
        return OWN + url
    return url if "://" in url else f"http://{url}"


def _headers(written: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Name and value of each; as in curl, ``Name:`` takes out one that is sent otherwise, and ``Name;`` sends an empty one."""
    for each in written:
        name, colon, value = each.partition(":")
        empty = not colon and name.rstrip().endswith(";")
        name = name.strip().removesuffix(";") if empty else name.strip()
        if not name or not (colon or empty) or not each.isprintable() or any(ord(letter) > 0xFF for letter in each):
            raise StartupError("a header given with -H is none", hint="write it as -H 'Name: value'")
        yield name.lower(), "" if empty else value.strip() or None


def _body(written: Written) -> tuple[bytes | None, str]:
    """The body and its media type."""
    if written.json is not None:
        if written.data:
            raise StartupError("--json and -d are two bodies", hint="give one of them")
        return content(written.json), "application/json"
    return (b"&".join(content(each) for each in written.data), _FORM) if written.data else (None, "")


def content(given: str) -> bytes:
    """What was given, or what is in the file that was named by ``@``; ``@-`` is standard input."""
    if not given.startswith("@"):
        return given.encode("utf-8", "surrogateescape")
    if given == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(given[1:]).read_bytes()
    except OSError as fault:
        raise StartupError(f"{given[1:]} cannot be read: {(fault.strerror or 'it is no file').lower()}") from fault


def _basic(user: str | None, url: str) -> str:
    """Credentials of ``-u`` or of the address (RFC 7617)."""
    parts = urlsplit(url)
    if user is None and parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    if user is None:
        return ""
    return f"Basic {b64encode((user if ':' in user else f'{user}:').encode()).decode()}"


def shown(url: str) -> str:
    """An address as it may be shown: without secrets, and on one line."""
    path, mark, query = url.partition("?")
    return escape(redact(path) + mark + mask_query(query))


def host_and_port(written: str, default: int) -> tuple[str, int]:
    """``HOST:PORT``, ``[ADDRESS]:PORT`` or one of them without a port.

    Raises:
        StartupError: it is neither.
    """
    host, colon, port = written.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = written, str(default)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise StartupError(f"{written} is no host and port", hint="write it as HOST:PORT")
    return host.strip("[]"), int(port)


def resolved(written: Iterable[str]) -> dict[tuple[str, int], tuple[str, ...]]:
    """``HOST:PORT:ADDRESS[,ADDRESS]``, as curl has it.

    Raises:
        StartupError: it is written otherwise.
    """
    known = {}
    for each in written:
        host, port, addresses = [*each.split(":", 2), "", ""][:3]
        if not host or not port.isdecimal() or not addresses:
            raise StartupError(f"{each} resolves nothing", hint="write it as --resolve HOST:PORT:ADDRESS")
        known[host.lower(), int(port)] = tuple(address.strip("[] ") for address in addresses.split(","))
    return known
