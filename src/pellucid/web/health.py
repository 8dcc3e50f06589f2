"""Whether this process lives, and whether it can do its work."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from pellucid.web.operators import is_operator
from pellucid.web.resources import resources_of

router = APIRouter(prefix="/health", tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: str = "ok"


class Ready(BaseModel):
    """Whether requests can be served, and what stands in the way.

    ``database`` is ``ok`` or ``unreachable``. ``catalog`` counts how often the schema was read. ``missing`` says what is off for want of
    rights; it is told only to those who run the server.
    """

    status: str
    database: str
    catalog: int
    missing: list[str] | None = None


@router.head("/live", include_in_schema=False)
@router.get("/live", summary="Does the process answer?")
async def live() -> Live:
    """Say that the process answers. It asks nobody else, so restarting on its silence is right."""
    return Live()


@router.head("/ready", include_in_schema=False)
@router.get(
    "/ready",
    summary="Can requests be served?",
    responses={503: {"model": Ready, "description": "Not now"}},
    response_model_exclude_none=True,
)
async def ready(request: Request, response: Response, operator: Annotated[bool, Depends(is_operator)]) -> Ready:
    """Say whether the database answers and its schema is known. A load balancer asks here before it sends requests."""
    resources = resources_of(request)
    reached = await resources.pulse.beats(resources.database)
    version = resources.database.catalog.version
    fit = reached and version > 0
    response.headers["Cache-Control"] = "no-store"
    if not fit:
        response.status_code = 503
        response.headers["Retry-After"] = "1"
    return Ready(
        status="ok" if fit else "not ready",
        database="ok" if reached else "unreachable",
        catalog=version,
        missing=[str(item) for item in resources.database.capabilities.missing] if operator else None,
    )
