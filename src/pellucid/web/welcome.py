"""``/``: what runs here, for whoever comes by."""

from collections.abc import Mapping
from html import escape
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from pellucid.database.catalog.model import Catalog
from pellucid.web.identity import Identity, current_identity
from pellucid.web.pages import READ, page, prefers_html
from pellucid.web.resources import resources_of

LINKS: Mapping[str, str] = {
    "docs": "/docs",
    "openapi": "/openapi.json",
    "health": "/health/ready",
    "errors": "/docs/errors",
}

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=READ)
def welcome(request: Request, identity: Annotated[Identity, Depends(current_identity)]) -> Response:
    """Greet: a page for browsers, JSON for everybody else."""
    resources = resources_of(request)
    tables = visible_tables(resources.database.catalog, identity.role, guarded=resources.production)
    prefix = str(request.scope.get("root_path", ""))
    title = request.app.title
    links = {name: prefix + path for name, path in LINKS.items()}
    if not prefers_html(request):
        return JSONResponse({"name": title, "links": links, "tables": tables}, headers={"Vary": "Accept"})
    listed = "".join(f"<li><a href='{escape(f'{prefix}/{name}')}'>{escape(name)}</a></li>" for name in tables)
    navigation = "".join(f"<a href='{escape(path)}'>{escape(name)}</a>" for name, path in links.items())
    content = (
        f"<p class=lead>A data backend you can see to the bottom of.</p><nav>{navigation}</nav>"
        f"<h2>Tables</h2>{f'<ul>{listed}</ul>' if listed else '<p>None that you may see yet.</p>'}"
    )
    response = page(request, title, content)
    response.headers["Vary"] = "Accept"
    return response


def visible_tables(catalog: Catalog, role: str, *, guarded: bool) -> list[str]:
    """The names in the default schema that a role may use; with ``guarded`` only those that row level security guards."""
    default = catalog.schemas[0] if catalog.schemas else ""
    return sorted(
        name.name
        for name, table in catalog.tables.items()
        if name.schema == default
        and table.privileges.get(role)
        and (table.row_security or table.security_invoker or not guarded)
    )
