"""The server's half of a trace: fetched where the answer says that there is one, with the same credentials."""

import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec.structs import replace

from pellucid.trace.client.asked import Asked
from pellucid.trace.client.client import TRACE_HEADER, TRACE_TOKEN, Client
from pellucid.trace.document import Trace
from pellucid.trace.encode import from_json
from pellucid.trace.journey import Hop, Journey

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_MOST = 64 * 1024 * 1024
_CREDENTIALS = frozenset({"authorization", "cookie", "apikey", "host"})
NOT_TRACED = (
    "this server did not trace the request: it is none of Pellucid's, or whoever asked has not proved to run it, "
    "as `pellucid token --role service_role` on its machine lets them"
)


def asking(asked: Asked, depth: str, token: str = "") -> Asked:
    """The request, asking to be traced; with a token that may ask where its own credentials may not."""
    shown = ((TRACE_TOKEN, token),) if token else ()
    return replace(asked, headers=(*asked.headers, (TRACE_HEADER, depth), *shown))


async def joined_all(client: Client, requests: Sequence[Asked], journey: Journey) -> Journey:
    """The journey with the server's half of each hop; where it is not there, the last one says why."""
    hops = [
        await joined(client, asked, hop) if hop.trace_id or hop is journey.last else hop
        for asked, hop in zip(requests, journey.hops, strict=True)
    ]
    return Journey(tuple(hops))


async def joined(client: Client, asked: Asked, hop: Hop) -> Hop:
    """The hop with the server's half, or with the reason why it is not there."""
    if hop.failure and not hop.trace_id:
        return hop
    if not hop.trace_id:
        return replace(hop, absent=NOT_TRACED)
    if not _ID.fullmatch(hop.trace_id):
        return replace(hop, absent="the name that the server gave its trace is none")
    found = await _fetched(client, asked, hop.trace_id)
    return replace(hop, absent=found) if isinstance(found, str) else replace(hop, server=found)


async def _fetched(client: Client, asked: Asked, trace_id: str) -> Trace | str:
    parts = urlsplit(asked.url)
    kept = tuple((name, value) for name, value in asked.headers if name.lower() in _CREDENTIALS)
    if token := dict(asked.headers).get(TRACE_TOKEN):
        kept = (*(each for each in kept if each[0].lower() == "host"), ("authorization", f"Bearer {token}"))
    question = Asked(
        "GET", f"{parts.scheme}://{parts.netloc}/traces/{trace_id}", (*kept, ("accept", "application/json"))
    )
    body = bytearray()
    journey = await client.visit(question, lambda piece: body.extend(piece) if len(body) < _MOST else None)
    if journey.last.failure:
        return f"fetching it failed: {journey.last.failure}"
    if journey.last.status != 200:
        return f"/traces/{trace_id} answers {journey.last.status} {journey.last.reason}: whoever asks must run the server".replace(
            " :", ":"
        )
    return _read(bytes(body))


def _read(body: bytes) -> Trace | str:
    try:
        return from_json(json.loads(body))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return "what the server gave is no trace of a version that is known here"
