"""What a worker holds for as long as it lives."""

from fastapi import Request
from msgspec import Struct, field

from pellucid.database.core import Database
from pellucid.errors import Unavailable
from pellucid.web.identity import Identifier
from pellucid.web.pulse import Pulse


class Resources(Struct, frozen=True):
    """Lives at ``app.state.pellucid`` from start-up to shutdown."""

    database: Database
    identifier: Identifier
    production: bool = False
    pulse: Pulse = field(default_factory=Pulse)


def resources_of(request: Request) -> Resources:
    """The resources of the worker that serves a request.

    Raises:
        Unavailable: the worker has not started, or is stopping.
    """
    resources: Resources | None = getattr(request.app.state, "pellucid", None)
    if resources is None:
        raise Unavailable("The server is not ready.")
    return resources
