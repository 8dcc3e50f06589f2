"""``/docs/errors``: what each error means and how to get out of it, told by the family of errors itself."""

from collections.abc import Iterator, Mapping
from html import escape

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, JSONResponse, Response

from pellucid.errors import PellucidError, StartupError, UnknownRoute
from pellucid.web.pages import READ, page, prefers_html

PATH = "/docs/errors"

router = APIRouter(include_in_schema=False)


class ErrorPage(BaseModel):
    """One kind of error. ``type`` is what the problem of this kind carries."""

    type: str
    code: str
    title: str
    status: int
    meaning: str
    way_out: str


def kinds() -> Mapping[str, type[PellucidError]]:
    """Every kind of error that a client can meet, by its code."""
    return {kind.code: kind for kind in _family(PellucidError)}


def _family(kind: type[PellucidError]) -> Iterator[type[PellucidError]]:
    """A class and all that derive from it here; what users derive in their own code is theirs to explain."""
    if kind.__module__ == PellucidError.__module__ and kind is not StartupError:
        yield kind
    for derived in kind.__subclasses__():
        yield from _family(derived)


@router.api_route(PATH, methods=READ)
def all_errors(request: Request) -> Response:
    """List every kind."""
    pages = [_describe(kind, request) for kind in kinds().values()]
    if not prefers_html(request):
        return JSONResponse([entry.model_dump() for entry in pages])
    items = "".join(
        f"<li><a href='{escape(entry.type)}'>{escape(entry.title)}</a> <code>{entry.status}</code></li>"
        for entry in pages
    )
    return page(request, "What can go wrong", f"<ul>{items}</ul>")


@router.api_route(PATH + "/{code}", methods=READ)
def one_error(request: Request, code: str) -> Response:
    """Explain one kind."""
    kind = kinds().get(code)
    if kind is None:
        raise UnknownRoute("There is no error of this code.", hint=f"See {PATH} for all of them.")
    entry = _describe(kind, request)
    return _html(request, entry) if prefers_html(request) else JSONResponse(entry.model_dump())


def _describe(kind: type[PellucidError], request: Request) -> ErrorPage:
    return ErrorPage(
        type=f"{request.scope.get('root_path', '')}{PATH}/{kind.code}",
        code=kind.code,
        title=kind.title,
        status=kind.status,
        meaning=(kind.__doc__ or "").partition("\n\n")[0].replace("``", ""),
        way_out=kind.way_out,
    )


def _html(request: Request, entry: ErrorPage) -> HTMLResponse:
    rows = (
        ("Status", str(entry.status)),
        ("Code", entry.code),
        ("It means", entry.meaning),
        ("The way out", entry.way_out),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return page(
        request,
        entry.title,
        f"<dl>{listed}</dl><p><a href='{escape(entry.type.rpartition('/')[0])}'>All errors</a></p>",
    )
