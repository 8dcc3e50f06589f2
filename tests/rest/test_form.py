"""Which form an answer gets."""

import pytest
from msgspec.structs import replace

from pellucid.database.catalog.model import Function, Handler, TableName
from pellucid.errors import NotAcceptable
from pellucid.rest.grammar.media import parse_accept
from pellucid.rest.plan.form import Form, Shape, negotiate
from pellucid.rest.plan.legacy import legacy_names
from pellucid.rest.plan.model import Call, Insert, Plan, Read, Reading
from pellucid.rest.profile import NATIVE, POSTGREST, Profile
from pellucid.rest.request import Envelope, RestRequest, parse_request
from tests.rest.world import CATALOG

PEOPLE = CATALOG.tables[TableName("public", "people")]
READING = Reading(Read(PEOPLE, ()))
TAB = Handler(TableName("public", "tabbed"), "text/tab")
OWN = Handler(TableName("public", "own"), "application/vnd.own", PEOPLE.name)
ANY = Handler(TableName("public", "any"), "application/octet-stream", PEOPLE.name)


def asked(accept: str, target: str = "GET /people", profile: Profile = POSTGREST, body: bytes = b"") -> RestRequest:
    method, _, path = target.partition(" ")
    place, _, query = path.partition("?")
    headers = [("content-type", "application/json")] if body else []
    parts = tuple(place.strip("/").split("/", 1))
    envelope = Envelope(method, parts, query, headers, body)  # type: ignore[arg-type]
    return replace(parse_request(envelope, profile, ("public",), None), accept=parse_accept(accept))


def form(request: RestRequest, plan: Plan = READING, *handlers: tuple[str, Handler], plans: bool = False) -> Form:
    made = {name: tuple(each for key, each in handlers if key == name) for name, _ in handlers}
    return negotiate(request, plan, replace(CATALOG, handlers=made), plans=plans)


@pytest.mark.parametrize(
    ("accept", "shape", "media"),
    [
        ("*/*", Shape.JSON, "application/json; charset=utf-8"),
        ("text/html, text/csv;q=0.5", Shape.CSV, "text/csv; charset=utf-8"),
        ("application/geo+json", Shape.GEOJSON, "application/geo+json; charset=utf-8"),
        ("application/vnd.pgrst.object", Shape.OBJECT, "application/vnd.pgrst.object+json; charset=utf-8"),
        (
            "application/vnd.pgrst.array+json;nulls=stripped",
            Shape.JSON,
            "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
        ),
    ],
)
def test_forms_that_are_always_there(accept: str, shape: Shape, media: str) -> None:
    found = form(asked(accept))
    assert (found.shape, found.media) == (shape, media)
    assert found.singular == (shape is Shape.OBJECT)


@pytest.mark.parametrize(
    "accept", ["text/html", "application/openapi+json", "application/vnd.pgrst.plan", "application/*"]
)
def test_forms_that_are_not_there(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        form(asked(accept))


def test_the_native_profile_understands_ranges_and_escapes_formulas() -> None:
    assert form(asked("application/*", profile=NATIVE)).shape is Shape.JSON
    assert form(asked("text/csv", profile=NATIVE)).escaped
    assert not form(asked("text/csv")).escaped
    assert form(asked("*/*", "GET /people/1", NATIVE)).shape is Shape.OBJECT
    with pytest.raises(NotAcceptable):  # without PostGIS
        form(asked("application/geo+json", profile=NATIVE))


def test_the_narrowest_handler_wins() -> None:
    handlers = (("text/tab", TAB), ("application/vnd.own", OWN))
    assert form(asked("TEXT/tab"), READING, *handlers).handler == TAB
    assert form(asked("application/vnd.own"), READING, *handlers).handler == OWN
    assert form(asked("application/json"), READING, ("*/*", ANY)).media == "application/octet-stream"
    with pytest.raises(NotAcceptable):
        form(asked("application/vnd.own", "GET /people?select=id"), READING, *handlers)


def test_nothing_is_written_where_nothing_is_wanted() -> None:
    insert = Insert(PEOPLE, (), "[]", None, located=False)
    assert form(asked("text/csv", "POST /people", body=b"[]"), insert).shape is Shape.NOTHING
    assert form(asked("text/csv", "HEAD /people")).media == "text/csv; charset=utf-8"
    assert form(asked("text/csv", "HEAD /people")).shape is Shape.NOTHING


def test_a_function_may_answer_one_value_or_its_own_media_type() -> None:
    plain = Function(TableName("public", "plain"), (), "integer")
    page = Function(TableName("public", "page"), (), '"text/html"', media="text/html")
    call = asked("*/*", "GET /rpc/plain")
    found = form(call, Call(plain, Read(None, ())))
    assert (found.shape, found.single, found.scalar) == (Shape.JSON, True, True)
    assert form(asked("text/html", "GET /rpc/page"), Call(page, Read(None, ()))).shape is Shape.RAW
    assert form(asked("*/*", "GET /rpc/page"), Call(page, Read(None, ()))).shape is Shape.JSON
    many = Call(replace(page, returns_set=True), Read(None, ()))
    with pytest.raises(NotAcceptable):
        form(asked("text/html", "GET /rpc/page"), many)


def test_a_plan_is_of_another_form() -> None:
    accept = 'application/vnd.pgrst.plan+json; for="application/vnd.pgrst.object"; options=analyze'
    found = form(asked(accept), plans=True)
    assert (found.shape, found.singular, found.plan is not None) == (Shape.OBJECT, False, True)
    assert found.media == (
        'application/vnd.pgrst.plan+json; for="application/vnd.pgrst.object+json"; options=analyze; charset=utf-8'
    )


def test_names_whose_days_are_counted() -> None:
    query = "GET /people?select=home:city(state:country(*))&city.limit=1&home.country.limit=1&home.state.limit=2"
    assert legacy_names(asked("*/*", query).query) == (("city", "home"), ("country", "state"))
