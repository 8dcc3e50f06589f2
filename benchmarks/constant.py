"""The least that a server can do: answer a constant. Run with uvicorn, as Pellucid is."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

BODY = b'{"id":1,"name":"Sir","age":20,"created_at":"2026-01-31T13:45:00.123456+00:00"}'


async def app(
    scope: MutableMapping[str, Any], _: object, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]
) -> None:
    """Answer (ASGI)."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})
