"""Requests, written shortly."""

import json
from typing import Any

from pellucid.rest.profile import NATIVE, Profile
from pellucid.rest.request import Envelope, Method, RestRequest, parse_request
from tests.rest.world import CATALOG


def ask(
    method: Method,
    path: str,
    body: Any = None,
    profile: Profile = NATIVE,
    most: int | None = None,
    **headers: str,
) -> RestRequest:
    path, _, query = path.partition("?")
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    given_headers = {"content_type": "application/json"} | headers
    pairs = [(name.replace("_", "-"), value) for name, value in given_headers.items()]
    envelope = Envelope(method, tuple(path.strip("/").split("/", 1)), query, pairs, raw)
    return parse_request(envelope, profile, CATALOG.schemas, most)
