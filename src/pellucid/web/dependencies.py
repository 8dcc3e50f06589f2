"""What users' own routes ask for by type: ``session: ReadSession``, ``session: WriteSession``, ``user: Identity``.

A session begins with the caller's role and claims. With FastAPI's ``function`` scope it ends as soon as the route has returned:
COMMIT comes before the first byte of the response, so a commit that fails is an error response. Objects stay readable after that;
a response that streams rows must open its own session.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from pellucid.database import session
from pellucid.web import identity
from pellucid.web.identity import current_identity, require_user
from pellucid.web.resources import resources_of

Identity = Annotated[identity.Identity, Depends(current_identity)]
"""Who is asking; anonymous callers are somebody too."""

User = Annotated[identity.Identity, Depends(require_user)]
"""Who is asking, and nobody comes in without an account."""


async def read_session(request: Request, caller: Identity) -> AsyncIterator[session.ReadSession]:
    """Lend a session that may only read."""
    async with resources_of(request).database.read(caller.caller) as reading:
        yield reading


async def write_session(request: Request, caller: Identity) -> AsyncIterator[session.WriteSession]:
    """Lend a session that commits when the route returns, and rolls back when it raises."""
    async with resources_of(request).database.write(caller.caller) as writing:
        yield writing


ReadSession = Annotated[session.ReadSession, Depends(read_session, scope="function")]
"""An SQLAlchemy ``AsyncSession`` under the caller's role; PostgreSQL refuses every write in it."""

WriteSession = Annotated[session.WriteSession, Depends(write_session, scope="function")]
"""An SQLAlchemy ``AsyncSession`` under the caller's role; committed before the response begins."""
