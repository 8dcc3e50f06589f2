"""What hostile requests must not do, whatever is in them, and how it is found out.

`judged` takes a request through parsing, planning and compiling, without a database. `escapes` reads the SQL that came of it word by word
and tells what in it is neither the compiler's own nor a name of the catalog nor an alias, in quotes, that the request asked for.
"""

import re
from collections.abc import Iterable, Iterator
from types import MappingProxyType

from msgspec.structs import replace

from pellucid.database.catalog.model import Catalog, Column, Function, Parameter, Relationship, TableName
from pellucid.errors import PellucidError
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.compile.writer import Statement
from pellucid.rest.grammar.fields import Field
from pellucid.rest.grammar.select import Aggregate, Item, Related, SelectItem
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.form import SCALAR, negotiate
from pellucid.rest.plan.names import Context
from pellucid.rest.profile import Profile
from pellucid.rest.request import Envelope, RestRequest, parse_request
from pellucid.rest.target import find_target
from tests.rest.library import BOOKS, LIBRARY, name

NUMBER = Parameter("number", "integer", cast="pg_catalog.int4")
FUNCTIONS = (
    Function(name("add"), (NUMBER, Parameter("more", "integer", required=False, cast="pg_catalog.int4")), "integer"),
    Function(name("whole"), (Parameter("", "json", cast="pg_catalog.json"),), "json"),
    Function(
        name("found"),
        (Parameter("words", "text[]", variadic=True, cast="pg_catalog.text[]"),),
        "books",
        returns_set=True,
        returns_table=BOOKS.name,
        result=BOOKS,
    ),
)
WORLD = replace(LIBRARY, functions=MappingProxyType({each.name: (each,) for each in FUNCTIONS}))
"""The library with functions."""

TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<literal>E?'(?:[^']|'')*')
    |(?P<parameter>\$[0-9]+)
    |(?P<word>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<number>[0-9]+)
    |(?P<operator>::|->>|->|\#>>|=>|<>|>=|<=|\|\||@@|@>|<@|&&|<<|>>|&<|&>|-\|-|~\*|[-.,()\[\]*=<>~+])""",
    re.VERBOSE,
)
"""The parts of SQL that the compiler writes (PostgreSQL, 4.1). A comment, a semicolon or a dollar quote is none of them."""

WORDS = frozenset(
    """
    select from where and or not as on left inner join lateral true false null is distinct unknown exists order by asc desc nulls first last
    limit offset group in any all like ilike case when then else end with ordinality union values returning insert into update set delete
    default conflict do nothing excluded explain format json text analyze verbose settings buffers wal row over variadic
    coalesce count sum avg min max json_agg jsonb_agg to_json to_jsonb json_strip_nulls json_build_object json_build_array json_each
    json_object_keys json_typeof json_array_elements json_to_recordset json_to_record row_to_json row_number string_agg array_agg substring
    length replace nullif current_setting set_config least unnest st_asgeojson element place name k v u f value list some one body rows
    total keys replaced status headers public to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery
    int8 int4 text jsonb bytea regconfig pg_catalog date varchar
    """.split()  # noqa: SIM905 - a list of words
)
"""What the compiler writes without quotes, beside its own names for tables (``t``, ``t1``, ``e1``, ``w0``…)."""

OWN = re.compile(r"(?:[tjrew][0-9]*|[bcu])\Z")
LITERALS = frozenset(
    """'[]' 'null' '' '{}' ',' E'\\n' '"' '""' '''' 'string' '^[-=+@\\t\\r]' '[",\\n\\r]' '0' 'type' 'FeatureCollection' 'features'
    'response.status' 'response.headers' 'pellucid.replaced'""".split()  # noqa: SIM905 - a list of literals
)
SPELT = frozenset(
    """boolean smallint int integer bigint real float double precision decimal dec character varying char nchar national bit time timestamp
    zone without with interval numeric varbit timestamptz timetz bpchar""".split()  # noqa: SIM905 - a list of words
)
"""Types that one may cast to, in SQL's own spelling."""
FIXED = frozenset({"w", "place", SCALAR, "@some", "public", "other"})
TYPES = re.compile(r"_?[a-z0-9_]+\Z")


def judged(envelope: Envelope, profile: Profile, role: str = "anon") -> tuple[RestRequest, Statement] | None:
    """The statement that a request becomes, or None where it is refused.

    Raises:
        AssertionError: the refusal is a fault of the server's.
    """
    try:
        asked = parse_request(envelope, profile, WORLD.schemas, 1000)
        if asked.root:
            return None
        context = Context(WORLD, profile, role, aggregates=True, most_rows=1000)
        plan = make_plan(asked, find_target(asked, context), context)
        return asked, compile_plan(plan, negotiate(asked, plan, WORLD, plans=True))
    except PellucidError as error:
        if error.status >= 500 or (error.postgrest_status or 0) >= 500 or not error.message:
            raise AssertionError(f"{envelope} is answered with {error.status} {error.message}") from error
        return None


def escapes(asked: RestRequest, statement: Statement, catalog: Catalog = WORLD) -> list[str]:
    """The parts of a statement that came neither from the compiler nor from the catalog."""
    names = FIXED | frozenset(named(catalog)) | frozenset(aliases(asked.query.select))
    found = []
    before = ""
    for kind, text in tokens(statement.sql):
        if not _known(kind, text, before, names, len(statement.parameters)):
            found.append(f"{kind} {text[:200]}")
        before = text
    return found


def tokens(sql: str) -> Iterator[tuple[str, str]]:
    """The parts of a text in SQL, without the spaces between them."""
    at = 0
    while at < len(sql):
        match = TOKEN.match(sql, at)
        if match is None:
            yield "none", sql[at : at + 40]
            return
        at = match.end()
        if match.lastgroup and match.lastgroup != "space":
            yield match.lastgroup, match[0]


def _known(kind: str, text: str, before: str, names: frozenset[str], parameters: int) -> bool:
    match kind:
        case "quoted":
            name = text[1:-1].replace('""', '"')
            return name in names or (before == "." and bool(TYPES.match(name)))
        case "literal":
            return text in LITERALS
        case "parameter":
            return 1 <= int(text[1:]) <= parameters
        case "word":
            return text.lower() in WORDS or text in SPELT or bool(OWN.match(text))
        case "number" | "operator":
            return True
        case _:
            return False


def named(catalog: Catalog) -> Iterator[str]:
    """Every name in a catalog."""
    for table in catalog.tables.values():
        yield table.name.name
        for column in (*table.columns.values(), *table.computed.values()):
            yield from _of_column(column)
    for way in (way for ways in catalog.relationships.values() for way in ways):
        yield from _of_way(way)
    for functions in catalog.functions.values():
        for function in functions:
            yield function.name.name
            yield from (parameter.name for parameter in function.parameters)


def _of_column(column: Column) -> Iterator[str]:
    yield column.name
    shown = column.representation
    functions: Iterable[TableName | None] = (
        column.function,
        *((shown.to_json, shown.from_json, shown.from_text) if shown else ()),
    )
    yield from (function.name for function in functions if function)
    yield column.cast.rpartition(".")[2].strip('"')


def _of_way(way: Relationship) -> Iterator[str]:
    yield way.target.name
    if way.function:
        yield way.function.name


def aliases(select: tuple[SelectItem, ...]) -> Iterator[str]:
    """The names under which the request wants its answer."""
    for item in select:
        match item:
            case Related():
                yield item.known_as
                yield from aliases(item.select)
            case Item(field, alias):
                yield alias or _default(item.aggregate, field)
            case _:
                pass


def _default(aggregate: Aggregate | None, field: Field | None) -> str:
    if aggregate or field is None:
        return aggregate.value if aggregate else "count"
    keys = [step.key for step in field.path if isinstance(step.key, str)]
    return keys[-1] if keys else field.name
