"""A scenario is data: one request by somebody to a database in a known state, and everything that must be true of the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID


class Who(Enum):
    """Who sends the request."""

    ANYBODY = "nobody in particular"
    ADA = UUID("0190a000-0000-7000-8000-00000000ada0")
    BOB = UUID("0190b000-0000-7000-8000-00000000b0b0")
    SERVICE = "the service role"
    FORGER = "somebody with a token that nobody signed"


class Nothing(Enum):
    """In the place of a JSON body: there is none (null is a body)."""

    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One request and its answer.

    Attributes:
        name: a sentence; the test is called so.
        setup: SQL that is run first, as the owner of the database.
        production: whether the server runs in production.
        settings: further settings of the server, by their names.
        who: who asks.
        request: method and target, such as ``GET /data?id=1``.
        json: the body as a JSON value; ``body`` the body as it is.
        headers: further request headers.
        status: the status of the answer.
        answer: the whole JSON body, where every part of it matters.
        contains: texts that must stand in the body.
        lacks: texts that must not stand in the body nor in a header.
        shows: response headers and their values; None means the header must not be there.
        statements: how many statements did the work, beside those that open and close the transaction.
        leaves: SQL that gives one value, and the value it must give afterwards.
    """

    name: str
    request: str
    status: int
    setup: str = ""
    production: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    who: Who = Who.ANYBODY
    json: Any = Nothing.NOTHING
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = Nothing.NOTHING
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    shows: Mapping[str, str | None] = field(default_factory=dict)
    statements: int | None = None
    leaves: tuple[str, Any] | None = None
