"""The two faces of the data API. One frozen value, handed down the pipeline; nothing else tells them apart."""

from msgspec import Struct


class Profile(Struct, frozen=True):
    """How a request is read and answered.

    ``prefix`` is where its tables are. ``bare_equality``: ``age=20`` means ``age=eq.20``. ``validates``: bodies are checked against
    the table's model, so that every bad field is told at once. ``returns_rows``: a write answers with what it wrote unless asked
    otherwise. ``guards``: a write that would touch every row needs a filter, and no part of a query is passed over in silence.
    ``grows``: an unknown table or column may be made in development.
    """

    name: str
    prefix: str
    bare_equality: bool
    validates: bool
    returns_rows: bool
    guards: bool
    grows: bool


NATIVE = Profile("native", "", bare_equality=True, validates=True, returns_rows=True, guards=True, grows=True)
"""For people: ``/{table}`` and ``/{table}/{key}``."""

POSTGREST = Profile(
    "postgrest", "/rest/v1", bare_equality=False, validates=False, returns_rows=False, guards=False, grows=False
)
"""For PostgREST and Supabase clients: ``/rest/v1/{table}``, faithful to that dialect."""
