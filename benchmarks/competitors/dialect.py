"""PostgREST's dialect, spoken by PostgREST and by Pellucid under ``/rest/v1``; and the rows in its JSON, which Pellucid's own shares."""

from typing import Any

from benchmarks.requests import Request
from benchmarks.workload import LEAST_SCORE, PAGE, Ask, Kind, Seen, project, score

PAGED = f"score=gte.{LEAST_SCORE}&order=score.desc,id&limit={PAGE}"
JOINED = f"select=id,title,score,projects(id,name)&{PAGED}"
ONE = ("Accept", "application/vnd.pgrst.object+json")
WHOLE = ("Prefer", "return=representation")


def ask_postgrest(ask: Ask, token: str, *, root: str = "", items: str = "items") -> Request:
    """The request in PostgREST's dialect; what is written comes back, as everybody here does it."""
    row = f"{root}/{items}?id=eq.{ask.key}"
    match ask.kind:
        case Kind.GET:
            return Request("GET", row, token, headers=(ONE,))
        case Kind.LIST:
            return Request("GET", f"{root}/{items}?{PAGED}", token)
        case Kind.JOIN:
            return Request("GET", f"{root}/{items}?{JOINED}", token)
        case Kind.INSERT:
            return Request("POST", f"{root}/notes", token, inserted(ask), (ONE, WHOLE))
        case Kind.UPDATE:
            return Request("PATCH", row, token, {"done": ask.done}, (ONE, WHOLE))


def inserted(ask: Ask) -> dict[str, Any]:
    """What an insert sends; the owner is filled in by the server."""
    return {"project": project(ask.number), "title": ask.written, "score": score(ask.number), "done": False}


def read_rows(ask: Ask, body: Any) -> list[Seen]:
    """The rows of an answer."""
    rows = body if isinstance(body, list) else [body]
    return [
        Seen(
            row["title"],
            row["score"],
            None if ask.kind is Kind.INSERT else row["id"],
            row["projects"]["name"] if ask.kind is Kind.JOIN else None,
            row["done"] if ask.kind is Kind.UPDATE else None,
        )
        for row in rows
    ]
