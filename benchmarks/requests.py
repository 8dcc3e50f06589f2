"""Requests as they go over the wire, and decks of them in a file, which every load generator reads."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.workload import identifier

DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. ``body`` is JSON; None for none."""

    method: str
    path: str
    token: str | None = None
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """The header, but for Host and Content-Length."""
        token = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        kind = {} if self.body is None else {"Content-Type": "application/json"}
        return token | kind | dict(self.headers)

    @property
    def payload(self) -> bytes:
        """The body's bytes."""
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()

    def raw(self) -> bytes:
        """As it goes over the wire (HTTP/1.1)."""
        length = {} if self.body is None else {"Content-Length": str(len(self.payload))}
        fields = {"Host": "127.0.0.1"} | self.fields | length
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + self.payload


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body's value; None where there is none."""
        return json.loads(self.body) if self.body else None


def send(port: int, request: Request, *, timeout: float = 60.0) -> Response:
    """Ask a server on this machine once, on a connection of its own.

    Raises:
        OSError: nobody listens there, or the connection broke.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(request.method, request.path, request.payload or None, request.fields)
        response = connection.getresponse()
        return Response(response.status, response.read())
    finally:
        connection.close()


def write_deck(path: Path, requests: Iterable[Request]) -> None:
    """Write a deck: each request behind its length in bytes, on a line of its own."""
    with path.open("wb") as file:
        for request in requests:
            raw = request.raw()
            file.write(b"%d\n%b" % (len(raw), raw))


def read_deck(path: Path) -> Iterator[bytes]:
    """Read one back."""
    with path.open("rb") as file:
        while length := file.readline():
            yield file.read(int(length))


def token(secret: str, person: int) -> str:
    """A person's token (JWT, HS256), good for a day; PostgREST, Supabase and Pellucid take it."""
    now = int(time.time())
    claims = {"sub": str(identifier(person)), "role": "authenticated", "aud": "authenticated"}
    head = _encode({"alg": "HS256", "typ": "JWT"}) + b"." + _encode({**claims, "iat": now, "exp": now + DAY})
    signature = hmac.new(secret.encode(), head, hashlib.sha256).digest()
    return (head + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def _encode(value: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=")
