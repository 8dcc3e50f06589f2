"""Fields, casts and operators, judged against a catalog and written as SQL, without a database."""

from types import MappingProxyType

import pytest
from msgspec.structs import replace

from pellucid.database.catalog.model import Column, TableName
from pellucid.errors import MalformedQuery, StatementRefused, UnacceptableRange, UnknownRelationship
from pellucid.rest.compile.conditions import where
from pellucid.rest.compile.writer import Parameters
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.plan.casts import find_type
from pellucid.rest.plan.model import Comparison, Operand
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.read import plan_read
from pellucid.rest.plan.similar import same_but_for_a_slip
from pellucid.rest.profile import NATIVE, POSTGREST
from tests.rest.library import BOOKS, LIBRARY, compiled, read
from tests.rest.requests import ask
from tests.rest.world import CATALOG

LTREE = Column("path", "public.ltree", "ltree", cast="public.ltree")
SHORT = Column("code", "public.short", "varchar", cast="public.short")
MANY = Column("codes", "public.short[]", "varchar", array=True, cast="public.short[]")


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("text", 'pg_catalog."text"'),
        ("TEXT", 'pg_catalog."text"'),
        ("int", "int"),
        ("int4[]", 'pg_catalog."int4"[]'),
        ("_int4", 'pg_catalog."_int4"'),
        ("double  precision", "double precision"),
        ("numeric(10,2)", "numeric(10,2)"),
        ("varchar(3)", "varchar(3)"),
        ("timestamp with time zone", "timestamp with time zone"),
        ("mood", '"public"."mood"'),
    ],
)
def test_types_that_one_may_cast_to(text: str, sql: str) -> None:
    assert find_type(text, CATALOG, NATIVE, "public") == sql


@pytest.mark.parametrize("text", ["nope", "regclass", "regrole", "mood(3)", "text(3)", "pg_catalog", "", "int4 int4"])
def test_types_that_one_may_not(text: str) -> None:
    with pytest.raises(StatementRefused, match="does not exist") as refused:
        find_type(text, CATALOG, POSTGREST)
    assert refused.value.sqlstate == "42704"
    with pytest.raises(MalformedQuery, match="Cannot cast"):
        find_type(text, CATALOG, NATIVE)


def test_of_two_types_of_one_name_the_nearer_is_meant() -> None:
    table = replace(
        BOOKS,
        name=TableName("other", "books"),
        columns=MappingProxyType({"shade": Column("shade", "other.colour", "text", cast="other.colour")}),
    )
    catalog = replace(LIBRARY, tables=MappingProxyType({**LIBRARY.tables, table.name: table}))
    assert find_type("colour", catalog, NATIVE, "public") == '"public"."colour"'
    assert find_type("colour", catalog, NATIVE, "other") == "other.colour"


def compared(column: Column, operator: Operator, *values: str) -> tuple[str, list[object]]:
    parameters = Parameters()
    return where((Comparison(Operand(column), operator, values),), parameters), parameters.values


def test_a_value_is_read_as_what_lies_under_a_domain() -> None:
    """It need not satisfy the domain's rules to be compared with."""
    assert compared(SHORT, Operator.EQ, "x")[0] == ' WHERE (t."code" = $1::text::pg_catalog."varchar")'
    assert compared(SHORT, Operator.IN, "x")[0] == ' WHERE (t."code" = ANY ($1::text[]::pg_catalog."varchar"[]))'
    assert compared(MANY, Operator.CS, "{x}")[0] == ' WHERE (t."codes" @> $1::text::pg_catalog."varchar"[])'


def test_patterns_have_the_type_that_the_operator_wants() -> None:
    assert compared(LTREE, Operator.MATCH, "*.a")[0] == ' WHERE (t."path" ~ $1::text::public.lquery)'
    assert compared(SHORT, Operator.LIKE, "a%")[0] == ' WHERE (t."code" LIKE $1::text)'
    assert compared(BOOKS.columns["pages"], Operator.LIKE, "a%") == (' WHERE (t."pages" LIKE NULL)', [])


def test_a_list_of_nothing_or_of_an_empty_text_has_no_member() -> None:
    for values in ((), ("",)):
        assert compared(BOOKS.columns["pages"], Operator.IN, *values)[1] == [[]]
    assert compared(MANY, Operator.IN)[0] == ' WHERE (t."codes" IN (NULL) IS TRUE)'


def test_there_is_nothing_in_a_text() -> None:
    assert '("facts" ->> $1::text -> NULL)'.replace('("', '(t."') in read("GET /authors?select=facts->>a->b")


def test_what_has_no_columns_is_asked_for_nothing() -> None:
    context = Context(LIBRARY, POSTGREST, "anon")
    assert plan_read(ask("GET", "/add", profile=POSTGREST), None, context).table is None
    for query in ("select=a", "order=a", "a=eq.1", "or=(a.eq.1,b.eq.2)"):
        with pytest.raises(StatementRefused, match="does not exist"):
            plan_read(ask("GET", f"/add?{query}", profile=POSTGREST), None, context)
    with pytest.raises(UnknownRelationship, match="between 'add' and 'books'"):
        plan_read(ask("GET", "/add?select=books(id)", profile=POSTGREST), None, context)


def test_a_limit_that_is_no_number_says_nothing_in_the_dialect() -> None:
    request = "GET /authors?select=books!author(id)&books.limit=many"
    assert compiled(request, POSTGREST).parameters == ()
    with pytest.raises(MalformedQuery):
        compiled(request)
    with pytest.raises(UnacceptableRange):
        compiled(request.replace("many", "-1"), POSTGREST)


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("titel", ["title"]),
        ("nam", ["name", "nap"]),
        ("xy", []),
        ("banana", []),
        ("naq", []),
    ],
)
def test_slips_of_the_pen_are_found_as_postgresql_does(name: str, proposed: list[str]) -> None:
    names = ["title", "nab", "nap", "naz"] if name == "naq" else ["title", "name", "nap"]
    assert same_but_for_a_slip(name, names) == proposed
