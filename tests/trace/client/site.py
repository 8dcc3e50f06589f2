"""A small site for clients to ask, as an ASGI application; and what it says at ``/traces/…``, in the words of Pellucid's own."""

import json
from typing import Any
from urllib.parse import parse_qs

from pellucid.trace.encode import to_json
from tests.trace.sample import SERVER

BIG = b"pellucid " * 20_000
Page = tuple[int, list[tuple[bytes, bytes]], bytes]
JSON = (b"content-type", b"application/json")


async def site(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request, or stand by for the server's own beginning and end."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, headers, content = page(scope, body)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def page(scope: Any, body: bytes) -> Page:
    """An echo, a big page, one that sends elsewhere, one that is traced, and the trace."""
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    match scope["path"]:
        case "/big":
            return 200, [(b"content-type", b"text/plain"), (b"content-length", str(len(BIG)).encode())], BIG
        case "/moved":
            return int(query.get("status", "302")), [(b"location", query["to"].encode())], b"elsewhere"
        case "/traced":
            named = query.get("name", SERVER.id).encode()
            return (
                200,
                [JSON, (b"pellucid-trace", named), (b"set-cookie", b"session=canary-of-the-server")],
                json.dumps(headers).encode(),
            )
        case path if path.startswith("/traces/"):
            return trace(path.removeprefix("/traces/"), headers)
        case _:
            told = {"method": scope["method"], "http": scope["http_version"], "headers": headers, "body": body.decode()}
            return 200, [JSON], json.dumps(told).encode()


def trace(name: str, headers: dict[str, str]) -> Page:
    """The trace, for whoever shows the right credentials; another one that is none."""
    if name == "broken":
        return 200, [JSON], b'{"id": 1}'
    if headers.get("apikey") != "right":
        return 404, [JSON], b"{}"
    return 200, [JSON], json.dumps(to_json(SERVER)).encode()
