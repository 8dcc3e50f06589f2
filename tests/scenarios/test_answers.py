"""How answers are written: media types, ranges and counts, and what the client insists on."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import PEOPLE, opened

COUNT = "select count(*)::int from people"
PLAIN = "application/json; charset=utf-8"

SHEET = """
create table sheet (id int primary key, text text, number numeric, note text);
insert into sheet values (1, 'a "b", c', -1.50, null), (2, '=1+1', 2, E'two\\nlines');
""" + opened("sheet")

test_csv = scenarios(
    Scenario(
        name="as PostgreSQL writes rows",
        request="GET /rest/v1/sheet?order=id",
        headers={"Accept": "text/csv"},
        status=200,
        contains=('id,text,number,note\n1,"a ""b"", c",-1.50,\n2,=1+1,2,"two\nlines"',),
        shows={"content-type": "text/csv; charset=utf-8", "content-range": "0-1/*"},
        statements=1,
    ),
    Scenario(
        name="in the native profile no text is a formula",
        request="GET /sheet?order=id",
        headers={"Accept": "text/csv"},
        status=200,
        contains=('id,text,number,note\n1,"a ""b"", c",-1.50,\n2,\'=1+1,2,"two\nlines"',),
    ),
    Scenario(
        name="of no rows nobody knows the columns",
        request="GET /rest/v1/sheet?id=eq.9",
        headers={"Accept": "text/csv"},
        status=200,
        shows={"content-length": "1"},
    ),
    Scenario(
        name="of what was written",
        request="POST /rest/v1/sheet?select=id,text",
        json={"id": 7, "text": "x"},
        headers={"Accept": "text/csv", "Prefer": "return=representation"},
        status=201,
        contains=("id,text\n7,x",),
    ),
    setup=SHEET,
)

test_objects = scenarios(
    Scenario(
        name="without what is null",
        request="GET /rest/v1/people?select=id,email&id=gt.1&order=id",
        headers={"Accept": "application/vnd.pgrst.array+json;nulls=stripped"},
        status=200,
        answer=[{"id": 2, "email": "blaise@example.com"}, {"id": 3}],
        shows={"content-type": "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8"},
    ),
    Scenario(
        name="one object without what is null",
        request="GET /rest/v1/people?select=id,email&id=eq.3",
        headers={"Accept": "application/vnd.pgrst.object+json;nulls=stripped"},
        status=200,
        answer={"id": 3},
        shows={"content-type": "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8"},
    ),
    Scenario(
        name="not one object but two",
        request="GET /rest/v1/people?id=lt.3",
        headers={"Accept": "application/vnd.pgrst.object"},
        status=406,
        contains=('"code":"PGRST116"', "The result contains 2 rows"),
    ),
    Scenario(
        name="a write that was to touch one row and touched more is undone",
        request="DELETE /rest/v1/people?id=lt.3",
        headers={"Accept": "application/vnd.pgrst.object+json", "Prefer": "return=representation"},
        status=406,
        contains=("PGRST116",),
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="the first form of those accepted that there is",
        request="GET /rest/v1/people?select=id&id=eq.1",
        headers={"Accept": "text/html, image/webp, application/json;q=0.9"},
        status=200,
        answer=[{"id": 1}],
        shows={"content-type": PLAIN, "vary": "Accept, Prefer, Range"},
    ),
    Scenario(
        name="no form that there is",
        request="GET /rest/v1/people",
        headers={"Accept": "text/html, unknown/type"},
        status=406,
        answer={
            "code": "PGRST107",
            "details": None,
            "hint": None,
            "message": "None of these media types are available: text/html, unknown/type",
        },
        statements=0,
    ),
    Scenario(
        name="HEAD has everything but the body",
        request="HEAD /rest/v1/people?select=id&order=id",
        headers={"Prefer": "count=exact"},
        status=200,
        shows={
            "content-type": PLAIN,
            "content-range": "0-2/3",
            "content-length": None,
            "content-location": "/people?order=id&select=id",
            "preference-applied": "count=exact",
        },
        statements=1,
    ),
    setup=PEOPLE,
)

HANDLERS = (
    PEOPLE
    + """
create domain "text/tab" as text;
create domain "text/html" as text;
create domain "application/vnd.bare" as bytea;
create domain "application/vnd.tree+json" as json;
create domain "*/*" as text;
create function tab_row(state text, item anyelement) returns text language sql immutable
  as $$ select state || ((to_jsonb($2))->>'name') || E'\\t' $$;
create function tab_end(state text) returns "text/tab" language sql immutable as 'select $1';
create aggregate tabbed (anyelement) (sfunc = tab_row, stype = text, initcond = '', finalfunc = tab_end);
create function tree_row(state jsonb, item city) returns jsonb language sql immutable
  as $$ select coalesce(state, '[]') || jsonb_build_array(($2).name) $$;
create function tree_end(state jsonb) returns "application/vnd.tree+json" language plpgsql as $$
  begin perform set_config('response.headers', '[{"X-Tree":"oak"}]', true); return $1::json; end $$;
create aggregate tree (city) (sfunc = tree_row, stype = jsonb, finalfunc = tree_end);
create function page() returns "text/html" language sql stable as $$ select '<p>hello'::"text/html" $$;
create function bytes() returns "application/vnd.bare" language sql stable as $$ select '\\x00ff'::"application/vnd.bare" $$;
create function anything() returns "*/*" language plpgsql stable as $$
  begin perform set_config('response.headers', '[{"Content-Type":"text/weird"}]', true); return 'any'; end $$;
"""
)

test_handlers = scenarios(
    Scenario(
        name="an aggregate makes a media type of any rows",
        request="GET /rest/v1/people?select=name&order=id",
        headers={"Accept": "text/tab"},
        status=200,
        contains=("Ada\tBlaise\tCharles\t",),
        shows={"content-type": "text/tab"},
    ),
    Scenario(
        name="an aggregate makes one of the rows of one table, and a header",
        request="GET /rest/v1/city?order=id",
        headers={"Accept": "application/vnd.tree+json"},
        status=200,
        contains=('["London", "Paris"]',),
        shows={"content-type": "application/vnd.tree+json", "x-tree": "oak"},
    ),
    Scenario(
        name="of that table's own columns only",
        request="GET /rest/v1/city?select=name",
        headers={"Accept": "application/vnd.tree+json"},
        status=406,
        contains=("PGRST107",),
    ),
    Scenario(
        name="a function answers what its domain says",
        request="GET /rest/v1/rpc/page",
        headers={"Accept": "text/html,application/xml;q=0.9,*/*;q=0.8"},
        status=200,
        contains=("<p>hello",),
        shows={"content-type": "text/html"},
    ),
    Scenario(
        name="a function answers bytes",
        request="GET /rest/v1/rpc/bytes",
        headers={"Accept": "application/vnd.bare"},
        status=200,
        shows={"content-type": "application/vnd.bare", "content-length": "2"},
    ),
    Scenario(
        name="a function answers whatever is accepted",
        request="POST /rest/v1/rpc/anything",
        headers={"Accept": "image/png"},
        status=200,
        contains=("any",),
        shows={"content-type": "text/weird"},
    ),
    Scenario(
        name="the same function as JSON",
        request="GET /rest/v1/rpc/page",
        headers={"Accept": "application/json"},
        status=200,
        answer="<p>hello",
    ),
    setup=HANDLERS,
)

test_plans = scenarios(
    Scenario(
        name="as text",
        request="GET /rest/v1/people",
        headers={"Accept": "application/vnd.pgrst.plan"},
        status=200,
        contains=("Aggregate", "Seq Scan on people"),
        shows={"content-type": 'application/vnd.pgrst.plan+text; for="application/json"; charset=utf-8'},
        statements=1,
    ),
    Scenario(
        name="as JSON, with options",
        request="GET /rest/v1/people",
        headers={"Accept": 'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|buffers'},
        status=200,
        contains=('"Plan": {', "Actual Rows", "Shared Hit Blocks"),
        shows={
            "content-type": 'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|buffers; charset=utf-8',
            "content-range": None,
        },
    ),
    Scenario(
        name="of a write, which does not happen",
        request="DELETE /rest/v1/people",
        headers={"Accept": "application/vnd.pgrst.plan+json"},
        status=200,
        contains=("ModifyTable",),
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="not where they are switched off",
        request="GET /rest/v1/people",
        headers={"Accept": "application/vnd.pgrst.plan+json"},
        settings={"plan": False},
        status=406,
        contains=("PGRST107", 'application/vnd.pgrst.plan+json; for=\\"application/json\\"'),
    ),
    setup=PEOPLE,
)

MANY = """
create table many (id int primary key);
insert into many select generate_series(1, 300);
analyze many;
""" + opened("many")

test_counts = scenarios(
    Scenario(
        name="exactly, of a part",
        request="GET /rest/v1/many?order=id&limit=2&offset=4",
        headers={"Prefer": "count=exact"},
        status=206,
        answer=[{"id": 5}, {"id": 6}],
        shows={"content-range": "4-5/300", "preference-applied": "count=exact"},
        statements=1,
    ),
    Scenario(
        name="as the planner guesses",
        request="HEAD /rest/v1/many?limit=1",
        headers={"Prefer": "count=planned"},
        status=206,
        shows={"content-range": "0-0/300"},
        statements=2,
    ),
    Scenario(
        name="exactly, as long as there are few",
        request="HEAD /rest/v1/many?id=lt.3",
        headers={"Prefer": "count=estimated"},
        settings={"max_rows": 5},
        status=200,
        shows={"content-range": "0-1/2"},
        statements=1,
    ),
    Scenario(
        name="by a guess, where there are many",
        request="HEAD /rest/v1/many",
        headers={"Prefer": "count=estimated"},
        settings={"max_rows": 5},
        status=206,
        shows={"content-range": "0-4/300"},
        statements=2,
    ),
    Scenario(
        name="an offset behind the last row",
        request="GET /rest/v1/many?offset=400",
        headers={"Prefer": "count=exact"},
        status=416,
        contains=("PGRST103", "An offset of 400 was requested, but there are only 300 rows."),
        shows={"content-range": "*/300"},
    ),
    Scenario(
        name="of what a write touched",
        request="PATCH /rest/v1/many?id=eq.1",
        json={"id": 0},
        headers={"Prefer": "count=exact"},
        status=204,
        shows={"content-range": "0-0/1", "content-length": None},
    ),
    setup=MANY,
)

test_insistence = scenarios(
    Scenario(
        name="a preference that nobody knows",
        request="POST /rest/v1/people",
        json={"name": "x"},
        headers={"Prefer": "handling=strict, something, else"},
        status=400,
        answer={
            "code": "PGRST122",
            "details": "Invalid preferences: something, else",
            "hint": None,
            "message": "Invalid preferences given with handling=strict",
        },
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="more rows affected than allowed",
        request="DELETE /rest/v1/people",
        headers={"Prefer": "handling=strict, max-affected=2"},
        status=400,
        contains=("PGRST124", "The query affects 3 rows"),
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="as many rows affected as allowed",
        request="PATCH /rest/v1/people",
        json={"age": 1},
        headers={"Prefer": "handling=strict, max-affected=3"},
        status=204,
        shows={"preference-applied": "handling=strict, max-affected=3"},
    ),
    Scenario(
        name="nobody insists",
        request="DELETE /rest/v1/people",
        headers={"Prefer": "max-affected=2"},
        status=204,
        shows={"preference-applied": None},
        leaves=(COUNT, 0),
    ),
    Scenario(
        name="natively a bound counts unless one is lenient",
        request="DELETE /people?id=gt.0",
        headers={"Prefer": "max-affected=2"},
        status=400,
        contains=("3 rows would be touched, and max-affected allows 2",),
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="natively one may be lenient",
        request="DELETE /people?id=gt.0",
        headers={"Prefer": "max-affected=2, handling=lenient"},
        status=200,
        leaves=(COUNT, 0),
    ),
    Scenario(
        name="an unknown table comes before an unknown preference",
        request="GET /rest/v1/peopel",
        headers={"Prefer": "handling=strict, something"},
        status=404,
        contains=("PGRST205",),
    ),
    Scenario(
        name="the rows of a function that answers one value",
        request="POST /rest/v1/rpc/version",
        headers={"Prefer": "handling=strict, max-affected=2"},
        setup="create function public.version() returns text language sql stable as 'select pg_catalog.version()'",
        status=400,
        contains=("PGRST128",),
    ),
    setup=PEOPLE,
)
