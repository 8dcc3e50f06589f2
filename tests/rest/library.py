"""A library as a catalog made by hand: tables that are related in every way that there is."""

from types import MappingProxyType

from msgspec.structs import replace

from pellucid.database.catalog.model import (
    Cardinality,
    Catalog,
    Column,
    Junction,
    Privilege,
    Relationship,
    Representation,
    Table,
    TableName,
)
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.compile.writer import Statement
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.model import Plan
from pellucid.rest.plan.names import Context
from pellucid.rest.profile import NATIVE, Profile
from pellucid.rest.request import Method
from tests.rest.requests import ask
from tests.rest.world import ID, table


def name(text: str) -> TableName:
    return TableName("public", text)


def number(text: str) -> Column:
    return Column(text, "bigint", "int8", cast="pg_catalog.int8")


def words(text: str, function: str | None = None) -> Column:
    return Column(text, "text", "text", function=name(function) if function else None)


COLOUR = Column(
    "colour",
    "public.colour",
    "int4",
    cast='"public"."colour"',
    representation=Representation(to_json=name("shown"), from_text=name("parsed")),
)
AUTHORS = replace(
    table("authors", ID, words("name"), number("mentor"), Column("facts", "jsonb", "jsonb", cast="pg_catalog.jsonb")),
    computed=MappingProxyType({"initials": words("initials", "initials")}),
)
BOOKS = table("books", ID, words("title"), number("author"), number("editor"), number("pages"), COLOUR)
TAGS = table("tags", ID, words("word"))
LABELS = table("labels", number("book"), number("tag"), key=("book", "tag"))
LIVES = table(
    "lives", number("author"), words("text"), Column("born", "date", "date", cast="pg_catalog.date"), key=("author",)
)
SHELF = replace(
    table("shelf", ID, words("title"), number("author"), secured=False), kind="view", security_invoker=False
)
SECRETS = replace(
    table("secrets", ID, number("author")),
    privileges=MappingProxyType({"reader": frozenset({Privilege.SELECT}), "partial": frozenset({Privilege.SELECT})}),
    readable=MappingProxyType({"partial": frozenset({"id"})}),
)
VAULT = table("vault", ID, number("author"), words("code"), secured=False)


def way(one: Table, other: Table, cardinality: Cardinality, constraint: str, near: str, far: str) -> Relationship:
    return Relationship(one.name, other.name, cardinality, constraint, ((near, far),))


def both(one: Table, column: str, other: Table, target: str = "id", *, single: bool = False) -> list[Relationship]:
    """A foreign key, seen from both ends."""
    constraint = f"{one.name.name}_{column}_fkey"
    to, back = (
        (Cardinality.ONE_TO_ONE, Cardinality.ONE_TO_ONE)
        if single
        else (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY)
    )
    return [
        way(one, other, to, constraint, column, target),
        way(other, one, back, constraint, target, column),
    ]


def through(one: Table, between: Table, other: Table) -> Relationship:
    near, far = one.name.name.removesuffix("s"), other.name.name.removesuffix("s")
    labelled = Junction(
        between.name,
        (f"{between.name.name}_{near}_fkey", f"{between.name.name}_{far}_fkey"),
        (("id", near),),
        ((far, "id"),),
    )
    return Relationship(one.name, other.name, Cardinality.MANY_TO_MANY, junction=labelled)


WAYS = [
    *both(BOOKS, "author", AUTHORS),
    *both(BOOKS, "editor", AUTHORS),
    *both(AUTHORS, "mentor", AUTHORS),
    *both(LABELS, "book", BOOKS),
    *both(LABELS, "tag", TAGS),
    *both(LIVES, "author", AUTHORS, single=True),
    *both(SECRETS, "author", AUTHORS),
    *both(VAULT, "author", AUTHORS),
    *both(SHELF, "author", AUTHORS),
    through(BOOKS, LABELS, TAGS),
    through(TAGS, LABELS, BOOKS),
    Relationship(AUTHORS.name, BOOKS.name, Cardinality.ONE_TO_MANY, function=name("bestsellers")),
    Relationship(BOOKS.name, AUTHORS.name, Cardinality.MANY_TO_ONE, function=name("reviewer")),
]
TABLES = (AUTHORS, BOOKS, TAGS, LABELS, LIVES, SHELF, SECRETS, VAULT)
LIBRARY = Catalog(
    ("public", "other"),
    MappingProxyType({each.name: each for each in TABLES}),
    MappingProxyType({}),
    frozenset({"anon", "reader", "partial"}),
    version=1,
    relationships=MappingProxyType(
        {each.name: tuple(found for found in WAYS if found.origin == each.name) for each in TABLES}
    ),
)


def planned(
    request: str, profile: Profile = NATIVE, role: str = "anon", most: int | None = None, **options: bool
) -> Plan:
    method, path = request.split(" ", 1)
    asked = ask(_METHODS[method], path, {"title": "x"} if method in ("POST", "PATCH") else None, profile, most)
    context = Context(LIBRARY, profile, role, most_rows=most, **{"aggregates": True, **options})
    return make_plan(asked, LIBRARY.tables[asked.name], context)


def compiled(
    request: str, profile: Profile = NATIVE, role: str = "anon", most: int | None = None, **options: bool
) -> Statement:
    return compile_plan(planned(request, profile, role, most, **options))


def read(request: str, profile: Profile = NATIVE, role: str = "anon", most: int | None = None, **options: bool) -> str:
    """The SELECT inside the statement, without the schema's name."""
    text = compiled(request, profile, role, most, **options).sql
    return text.split(" FROM (", 1)[1].rsplit(") AS r", 1)[0].replace('"public".', "")


_METHODS: dict[str, Method] = {"GET": "GET", "POST": "POST", "PATCH": "PATCH", "DELETE": "DELETE"}
