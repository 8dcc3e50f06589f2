"""The catalog as OpenAPI 3.1."""

import re
from collections import Counter
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from pellucid.database.catalog.model import Catalog, Column, Fill, Function, Parameter, Privilege, Table, TableName
from pellucid.rest.openapi.document import describe, merge
from pellucid.rest.openapi.values import answered, answered_type, default, either, given
from pellucid.rest.validate import given as judged
from tests.rest.fits import misfits, references, resolve
from tests.rest.library import LIBRARY
from tests.rest.world import CATALOG, ID, OPEN, PEOPLE, SEATS, table

Json = dict[str, Any]
ODD = (
    table("Odd Table", Column("A b", "integer", "int4", nullable=False), Column("x.y", "text", "text"), key=("A b",)),
    table("odd_table", ID, Column("order", "text", "text"), Column("limit", "integer", "int4"), Column("select", "text", "text")),
    table("odd table", ID),
    table("a/b{c}", Column("k{}", "text", "text", nullable=False), key=("k{}",)),
    table("rest", ID),
    table("rpc", ID),
    table("view", ID, key=()),
    table("noted", ID, Column("name", "text", "text", comment="What it is called.")),
)  # fmt: skip
INTEGER, TEXT, LIST = (
    Parameter("a", "integer", cast="pg_catalog.int4"),
    Parameter("b", "text", required=False),
    Parameter("c", "text[]", variadic=True, required=False, cast="pg_catalog.text[]"),
)


def function(name: str, *parameters: Parameter, returns: str = "integer", **others: Any) -> Function:
    said = {"volatility": "stable", "executable_by": frozenset({"anon"}), **others}
    return Function(TableName("public", name), parameters, returns, **said)


FUNCTIONS = (
    function("add", INTEGER, TEXT, LIST, comment="Adds."),
    function("add", replace(TEXT, name="text", required=True)),
    function("act", volatility="volatile", returns="void"),
    function("everybody", returns="people", returns_set=True, result=PEOPLE, returns_table=PEOPLE.name),
    function("pair", returns="record", result=replace(SEATS, kind="composite", name=TableName("public", "pair"))),
    function("whole", Parameter("", "jsonb"), returns="jsonb"),
    function("uncallable", Parameter("", "integer")),
    function("secret", executable_by=frozenset({"writer"})),
    function("page", returns="text/html", media="text/html"),
)


def catalog(*tables: Table, functions: tuple[Function, ...] = ()) -> Catalog:
    named = {each.name: tuple(other for other in functions if other.name == each.name) for each in functions}
    return replace(
        CATALOG, tables=MappingProxyType({each.name: each for each in tables}), functions=MappingProxyType(named)
    )


def document_of(what: Catalog, role: str = "anon", reserved: str = "rest", **how: bool) -> Json:
    own = {"openapi": "3.1.0", "paths": {}}
    return merge(own, describe(what, role, reserved=frozenset({reserved}), **how))


def described(*tables: Table, role: str = "anon", guarded: bool = False) -> Json:
    return document_of(catalog(*tables), role, guarded=guarded)


@pytest.fixture(scope="module", params=["tables", "library"])
def document(request: pytest.FixtureRequest) -> Json:
    return document_of(
        LIBRARY if request.param == "library" else catalog(PEOPLE, SEATS, OPEN, *ODD, functions=FUNCTIONS)
    )


@pytest.fixture(scope="module")
def world() -> Json:
    return document_of(catalog(PEOPLE, SEATS, OPEN, *ODD, functions=FUNCTIONS))


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    return ((path, operation) for path, item in document["paths"].items() for operation in item.values())


def parameters(document: Json, operation: Json) -> list[Json]:
    return [resolve(document, each["$ref"]) if "$ref" in each else each for each in operation["parameters"]]


def names(document: Json, path: str, method: str) -> list[str]:
    return [each["name"] for each in parameters(document, document["paths"][path][method])]


def schema(document: Json, response: Json) -> Json:
    """What the response holds as JSON."""
    content = (resolve(document, response["$ref"]) if "$ref" in response else response)["content"]
    found: Json = content["application/json"]["schema"]
    return found


# -- the document as a whole --------------------------------------------------------------------------------------------


def test_every_operation_has_a_name_of_its_own(document: Json) -> None:
    names = Counter(operation["operationId"] for _, operation in operations(document))
    assert set(names.values()) == {1}
    keys = [key for kind in document["components"].values() for key in kind]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in (*names, *keys))


def test_parameters_are_those_of_the_path_and_each_is_there_once(document: Json) -> None:
    for path, operation in operations(document):
        places = Counter((each["in"], each["name"]) for each in parameters(document, operation))
        assert set(places.values()) <= {1}, path
        assert set(re.findall(r"\{(.*?)\}", path)) == {name for place, name in places if place == "path"}


def test_references_lead_somewhere_and_everything_is_used(document: Json) -> None:
    found = set(references(document))
    for reference in found:
        assert resolve(document, reference)
    kept = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    kept |= {f"#/components/parameters/{name}" for name in document["components"]["parameters"] if "." in name}
    assert kept <= found


def test_every_answer_and_every_error_is_told(document: Json) -> None:
    for _, operation in operations(document):
        statuses = set(operation["responses"])
        assert statuses & {"200", "201", "204"}
        assert {"400", "401", "403", "default"} <= statuses


def test_paths_are_as_a_client_sends_them(world: Json) -> None:
    assert {"/people/{id}", "/seats/{row},{place}", "/Odd%20Table/{A b}", "/a%2Fb%7Bc%7D/{k__}"} <= set(world["paths"])
    assert not [path for path in world["paths"] if path.startswith(("/rest", "/view/", "/rpc/{")) or path == "/rpc"]


def test_columns_named_as_a_part_of_the_query_are_filtered_by_their_quoted_name(world: Json) -> None:
    named = names(world, "/odd_table", "get")
    assert {'"order"', '"limit"', '"select"', "order", "limit", "select", "id"} <= set(named)
    assert '"x.y"' in names(world, "/Odd%20Table", "get")


def test_columns_that_are_alike_share_their_filter(world: Json) -> None:
    filters = world["components"]["parameters"]
    assert [name for name in filters if name.startswith("id.")] == ["id.int8"]
    assert {"name.text", "name.varchar"} <= set(filters)
    assert "What it is called." in filters["name.text"]["description"]
    assert "called" not in filters["name.text.2"]["description"]


def test_filters_tell_the_operators_of_their_type(world: Json) -> None:
    told = {name: each["description"] for name, each in world["components"]["parameters"].items()}
    assert "`like`" in told["name.varchar"]
    assert "`gte`" in told["age.int8"]
    assert "`like`" not in told["age.int8"]
    assert "`cs`" in told["tags.text"]


# -- rows ---------------------------------------------------------------------------------------------------------------


def test_models_say_what_may_be_null_and_what_must_be_given() -> None:
    schemas = described(PEOPLE)["components"]["schemas"]
    new, change, row = (schemas[f"people.{part}"] for part in ("insert", "update", "row"))
    assert new["required"] == ["name"]
    assert "required" not in change
    assert set(row["required"]) == set(PEOPLE.columns)
    assert new["properties"]["name"] == {"type": "string", "maxLength": 10}
    assert new["properties"]["mood"] == {"type": ["string", "null"], "enum": ["happy", "sad", None]}
    assert row["properties"]["tags"] == {"type": ["array", "null"], "items": {"type": ["string", "null"]}}
    assert "twice" not in new["properties"]
    assert "twice" in row["properties"]


def test_a_row_is_replaced_without_its_key_and_changed_without_anything() -> None:
    document = described(PEOPLE, SEATS)
    schemas = document["components"]["schemas"]
    assert schemas["seats.insert"]["required"] == ["row", "place"]
    titles = [schema["title"] for name, schema in schemas.items() if name.startswith(("seats.", "people."))]
    assert len(set(titles)) == len(titles), "a reader can tell them apart"
    assert "required" not in schemas["seats.put"]
    bodies = {
        (path, method): document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for path in ("/seats/{row},{place}", "/people/{id}")
        for method in ("put", "patch")
    }
    assert [reference.rpartition("/")[2] for reference in bodies.values()] == [
        "seats.put",
        "seats.update",
        "people.insert",
        "people.update",
    ]
    assert list(misfits({}, {"$ref": "#/components/schemas/people.update"}, document)) == ["$ is empty"]


def test_what_can_be_selected_besides_the_columns_is_optional() -> None:
    document = document_of(LIBRARY)
    schemas = document["components"]["schemas"]
    books, authors = schemas["books.answer"], schemas["authors.answer"]
    assert books["allOf"] == [{"$ref": "#/components/schemas/books.row"}]
    assert books["properties"]["authors"] == {"anyOf": [{"$ref": "#/components/schemas/authors.row"}, {"type": "null"}]}
    assert books["properties"]["tags"] == {"type": "array", "items": {"$ref": "#/components/schemas/tags.row"}}
    assert {"reviewer", "labels"} <= set(books["properties"])
    assert {"initials", "books", "bestsellers", "lives", "authors"} <= set(authors["properties"])
    assert "secrets" not in authors["properties"]
    assert "required" not in books
    assert [name for name in names(document, "/authors", "get") if name == "initials"]


def test_only_what_the_role_may_do_is_described() -> None:
    assert set(described(PEOPLE, role="reader")["paths"]["/people"]) == {"get"}
    assert set(described(PEOPLE, role="writer")["paths"]["/people"]) == {"post"}
    assert described(PEOPLE, role="stranger")["paths"] == {}
    partly = replace(
        PEOPLE,
        privileges=MappingProxyType({"anon": frozenset({Privilege.SELECT, Privilege.UPDATE})}),
        readable=MappingProxyType({"anon": frozenset({"id", "name"})}),
    )
    assert list(described(partly)["components"]["schemas"]["people.row"]["properties"]) == ["id", "name"]
    assert set(described(partly)["paths"]["/people/{id}"]) == {"get", "patch", "put"}
    chosen = replace(SEATS, privileges=partly.privileges)
    assert set(described(chosen)["paths"]["/seats/{row},{place}"]) == {"get", "patch"}


def test_views_have_the_methods_that_they_can_do() -> None:
    view = replace(PEOPLE, kind="view", insertable=False, updatable=False, deletable=True)
    paths = described(view)["paths"]
    assert {path: set(item) for path, item in paths.items()} == {
        "/people": {"get", "delete"},
        "/people/{id}": {"get", "delete"},
    }


def test_what_is_not_served_is_not_described() -> None:
    assert set(described(PEOPLE, OPEN, guarded=True)["paths"]) == {"/people", "/people/{id}"}


def test_a_token_is_needed_where_nobody_is_anonymous() -> None:
    security = {
        anonymous: next(each["security"] for _, each in operations(document_of(catalog(PEOPLE), anonymous=anonymous)))
        for anonymous in (True, False)
    }
    assert security == {True: [{}, {"Account": []}], False: [{"Account": []}]}


def test_comments_describe_tables_once() -> None:
    commented = replace(PEOPLE, comment="Everybody.")
    own = {"paths": {}, "tags": [{"name": "accounts"}]}
    tags = merge(own, describe(catalog(commented), "anon", reserved=frozenset()))["tags"]
    assert tags == [{"name": "accounts"}, {"name": "people", "description": "Everybody."}]


# -- values -------------------------------------------------------------------------------------------------------------

VALUES = (None, True, 7, 2**40, -1.5, [1], [[1]], {"a": 1})
TEXTS = ("text", "happy", "7", ["a"], ["happy", None])
BASES = ("bool", "int2", "int4", "int8", "numeric", "float8", "text", "varchar", "uuid", "date", "timestamptz", "jsonb")


@pytest.mark.parametrize("base", [*BASES, "mood"])
@pytest.mark.parametrize("array", [False, True])
def test_what_fits_a_schema_is_taken(base: str, array: bool) -> None:
    """Pydantic takes a little more, such as numbers written as text, but never less. What a text must be is left to its format."""
    texts = TEXTS if base in ("text", "varchar", "mood", "jsonb") else ()
    for nullable in (False, True):
        column = Column("c", base, base, array=array, nullable=nullable, enum=("happy",) if base == "mood" else ())
        model: TypeAdapter[Any] = TypeAdapter(judged(column))
        fitting = [value for value in (*VALUES, *texts) if not list(misfits(value, given(column), {}))]
        for value in fitting:
            try:
                model.validate_python(value)
            except ValidationError as fault:
                pytest.fail(f"{value!r} fits {given(column)}: {fault}")


def test_answers_have_the_types_of_json() -> None:
    assert answered(Column("c", "bigint", "int8")) == {"type": ["integer", "null"], "format": "int64"}
    assert answered(Column("c", "interval", "interval", nullable=False)) == {"type": "string"}
    assert answered(Column("c", "jsonb", "jsonb")) == {}
    assert answered_type("timestamp with time zone") == {"type": ["string", "null"], "format": "date-time"}
    assert answered_type("integer[]")["items"] == {"type": ["integer", "null"], "format": "int32"}
    assert answered_type("public.odd") == {}
    either_one = either([answered_type("integer"), answered_type("numeric"), answered_type("integer")])
    assert either_one["anyOf"] == [{"type": "integer", "format": "int32"}, {"type": "number"}, {"type": "null"}]


@pytest.mark.parametrize(
    ("base", "text", "value"),
    [
        ("int4", "42", 42),
        ("int8", "'-1'::integer", -1),
        ("numeric", "1.5", 1.5),
        ("bool", "true", True),
        ("text", "'it''s'::text", "it's"),
        ("varchar", "'a'::character varying(3)", "a"),
        ("text", "lower('A'::text)", None),
        ("text", "('a'::text || 'b'::text)", None),
        ("timestamptz", "now()", None),
        ("int8", "nextval('s'::regclass)", None),
    ],
)
def test_defaults_are_told_where_they_are_plain(base: str, text: str, value: Any) -> None:
    column = Column("c", base, base, fill=Fill.DEFAULT, default=text)
    assert default(column) == ({} if value is None else {"default": value})


# -- functions ----------------------------------------------------------------------------------------------------------


def test_functions_are_called_by_the_methods_that_fit_them(world: Json) -> None:
    methods = {path: set(item) for path, item in world["paths"].items() if path.startswith("/rpc/")}
    assert methods == {
        "/rpc/act": {"post"},
        "/rpc/add": {"get", "post"},
        "/rpc/everybody": {"get", "post"},
        "/rpc/page": {"get", "post"},
        "/rpc/pair": {"get", "post"},
        "/rpc/whole": {"post"},
    }
    reserved = document_of(catalog(functions=FUNCTIONS), reserved="rpc")
    assert reserved["paths"] == {}


def test_arguments_are_typed(world: Json) -> None:
    operation = world["paths"]["/rpc/add"]["get"]
    given = {each["name"]: each for each in parameters(world, operation)}
    assert given["a"]["schema"] == {"type": "integer", "format": "int32"}
    assert given["b"]["description"] == "text; has a default."
    assert given["c"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert not any(each.get("required") for each in given.values()), "another add takes other arguments"
    assert operation["description"] == "Adds."
    body = world["paths"]["/rpc/add"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    first, second = (resolve(world, each["$ref"]) for each in body["anyOf"])
    assert (first["required"], second["required"]) == (["a"], ["text"])
    assert not list(misfits({"a": 1, "c": ["x"]}, body, world))
    assert list(misfits({"a": "x"}, body, world))


def test_results_are_described(world: Json) -> None:
    def answer(path: str) -> Json:
        return schema(world, world["paths"][path]["post"]["responses"]["200"])

    assert answer("/rpc/everybody") == {"type": "array", "items": {"$ref": "#/components/schemas/people.row"}}
    assert answer("/rpc/pair") == {"anyOf": [{"$ref": "#/components/schemas/rpc.pair.row"}, {"type": "null"}]}
    assert answer("/rpc/add") == {"type": ["integer", "null"], "format": "int32"}
    assert "select" in names(world, "/rpc/everybody", "get")
    assert "select" not in names(world, "/rpc/add", "get")
    assert set(world["paths"]["/rpc/act"]["post"]["responses"]) >= {"204", "default"}
    assert set(world["paths"]["/rpc/page"]["get"]["responses"]["200"]["content"]) >= {"text/html", "application/json"}
    body = world["paths"]["/rpc/whole"]["post"]["requestBody"]
    assert body["required"]
    assert not list(misfits([{"a": 1}], body["content"]["application/json"]["schema"], world))
