"""Media types that the schema itself makes: domains named like them, and the functions that answer with these."""

import re
from collections import defaultdict
from collections.abc import Mapping

from pellucid.database.catalog.found import Rows
from pellucid.database.catalog.model import Handler, TableName

ANY = "*/*"
OCTETS = "application/octet-stream"
"""What an answer for any media type is, unless it says otherwise itself."""
NAME = re.compile(r"[A-Za-z0-9.-]+/[A-Za-z0-9.+-]+|\*/\*")
"""A domain's name that is a media type (RFC 6838), or that of any."""


def media_type(domain: str) -> str | None:
    """The media type that a domain of this name stands for, in lower case; None where it is none."""
    return domain.lower() if NAME.fullmatch(domain) else None


def build_handlers(aggregates: Rows) -> Mapping[str, tuple[Handler, ...]]:
    """The aggregates by the media type that they make of rows, those of earlier schemas first."""
    handlers: dict[str, list[Handler]] = defaultdict(list)
    for row in aggregates:
        if media := media_type(row["media"]):
            table = TableName(row["table_schema"], row["table"]) if row["table"] else None
            function = TableName(row["schema"], row["name"])
            handlers[media].append(Handler(function, OCTETS if media == ANY else media, table))
    return {media: tuple(each) for media, each in handlers.items()}
