"""Functions: which one is meant, what it is given, and what becomes of what it answers."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario, Who
from tests.scenarios.schemas import PEOPLE

FUNCTIONS = (
    PEOPLE
    + """
create function add(a int, b int) returns int language sql immutable as 'select a + b';
create function greet(name text default 'guest') returns text language sql stable as $$ select 'Hello ' || name $$;
create function total(variadic numbers int[]) returns bigint language sql stable as 'select sum(n) from unnest(numbers) n';
create function area(side int) returns int language sql immutable as 'select side * side';
create function area(width int, height int) returns int language sql immutable as 'select width * height';
create function area(side numeric) returns numeric language sql immutable as 'select side * side';
create function echo(jsonb) returns jsonb language sql immutable as 'select $1';
create function shout(text) returns text language sql immutable as 'select upper($1)';
create function bytes(bytea) returns int language sql immutable as 'select length($1)';
create function forget() returns void language sql volatile as 'delete from people where id = 3';
create function first_letters(word text, how_many int default 2) returns setof text language sql stable
  as $$ select substr(word, n, 1) from generate_series(1, how_many) n $$;
create function people_older(than int) returns setof people language sql stable as 'select * from people where age > than';
create function oldest() returns people language sql stable as 'select * from people order by age desc limit 1';
create function nobody() returns people language sql stable as 'select * from people where false';
create function join_in(name text, age int default null) returns setof people language sql volatile
  as 'insert into people (name, age) values ($1, $2) returning *';
create function stats(out low int, out high int) language sql stable as 'select min(age), max(age) from people';
create function pairs() returns table (x int, y text) language sql stable as $$ values (1, 'a'), (2, 'b'), (3, 'c') $$;
create function bare() returns record language sql stable as $$ select 1, 'a'::text $$;
create function hidden() returns int language sql stable as 'select 1';
revoke execute on function hidden() from public;
"""
)
COUNT = "select count(*)::int from people"

test_arguments = scenarios(
    Scenario(
        name="by POST", request="POST /rest/v1/rpc/add", json={"a": 1, "b": 2}, status=200, answer=3, statements=1
    ),
    Scenario(name="by GET", request="GET /rest/v1/rpc/add?a=1&b=2", status=200, answer=3, statements=1),
    Scenario(
        name="by a form",
        request="POST /rest/v1/rpc/add",
        body=b"a=4&b=5",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        status=200,
        answer=9,
    ),
    Scenario(name="by HEAD", request="HEAD /rest/v1/rpc/add?a=1&b=2", status=200, contains=()),
    Scenario(
        name="one that has a default", request="POST /rest/v1/rpc/greet", json={}, status=200, answer="Hello guest"
    ),
    Scenario(name="no body at all", request="POST /rest/v1/rpc/greet", status=200, answer="Hello guest"),
    Scenario(
        name="any number of them", request="GET /rest/v1/rpc/total?numbers=1&numbers=2&numbers=3", status=200, answer=6
    ),
    Scenario(
        name="any number, as JSON", request="POST /rest/v1/rpc/total", json={"numbers": [1, 2]}, status=200, answer=3
    ),
    Scenario(
        name="only those that columns names",
        request="POST /rest/v1/rpc/add?columns=a,b",
        json={"a": 1, "b": 2, "c": 3},
        status=200,
        answer=3,
    ),
    Scenario(
        name="overloaded, told apart by names",
        request="POST /rest/v1/rpc/area",
        json={"width": 2, "height": 3},
        status=200,
        answer=6,
    ),
    Scenario(
        name="overloaded, and nothing tells them apart",
        request="POST /rest/v1/rpc/area",
        json={"side": 2},
        status=300,
        contains=("PGRST203", "public.area(side => integer), public.area(side => numeric)"),
    ),
    Scenario(
        name="one without a name, of JSON",
        request="POST /rest/v1/rpc/echo",
        json={"deep": [1, None]},
        status=200,
        answer={"deep": [1, None]},
    ),
    Scenario(
        name="one without a name, of text",
        request="POST /rest/v1/rpc/shout",
        body=b"quiet; 'quoted'",
        headers={"Content-Type": "text/plain"},
        status=200,
        answer="QUIET; 'QUOTED'",
    ),
    Scenario(
        name="one without a name, of bytes",
        request="POST /rest/v1/rpc/bytes",
        body=b"\x00\xff\x01",
        headers={"Content-Type": "application/octet-stream"},
        status=200,
        answer=3,
    ),
    setup=FUNCTIONS,
)

test_results = scenarios(
    Scenario(
        name="nothing", request="POST /rest/v1/rpc/forget", status=204, shows={"content-type": None}, leaves=(COUNT, 2)
    ),
    Scenario(name="values", request="GET /rest/v1/rpc/first_letters?word=abc", status=200, answer=["a", "b"]),
    Scenario(
        name="rows, filtered, ordered, limited and counted",
        request="GET /rest/v1/rpc/people_older?than=35&select=name&age=lt.79&order=age.desc&limit=1",
        headers={"Prefer": "count=exact"},
        status=206,
        answer=[{"name": "Blaise"}],
        shows={"content-range": "0-0/2"},
        statements=1,
    ),
    Scenario(
        name="rows with rows of another table in them",
        request="POST /rest/v1/rpc/people_older?select=name,city(name)&order=name",
        json={"than": 36},
        status=200,
        answer=[{"name": "Blaise", "city": {"name": "Paris"}}, {"name": "Charles", "city": {"name": "London"}}],
        statements=1,
    ),
    Scenario(name="one row", request="GET /rest/v1/rpc/oldest?select=name", status=200, answer={"name": "Charles"}),
    Scenario(name="OUT parameters", request="GET /rest/v1/rpc/stats", status=200, answer={"low": 36, "high": 79}),
    Scenario(
        name="a table of its own",
        request="GET /rest/v1/rpc/pairs?select=n:x,y&x=gt.1&order=x.desc",
        status=200,
        answer=[{"n": 3, "y": "c"}, {"n": 2, "y": "b"}],
    ),
    Scenario(name="a bare record", request="GET /rest/v1/rpc/bare", status=200, contains=('"a"',)),
    Scenario(
        name="what it has written",
        request="POST /rest/v1/rpc/join_in?select=id,name",
        json={"name": "Dora"},
        status=200,
        answer=[{"id": 4, "name": "Dora"}],
        leaves=(COUNT, 4),
    ),
    Scenario(
        name="by GET nothing is written",
        request="GET /rest/v1/rpc/join_in?name=Dora",
        status=405,
        contains=("25006",),
        leaves=(COUNT, 3),
    ),
    setup=FUNCTIONS,
)

test_refusals = scenarios(
    Scenario(
        name="a name that is nearly right",
        request="POST /rest/v1/rpc/gret",
        json={},
        status=404,
        answer={
            "code": "PGRST202",
            "message": "Could not find the function public.gret without parameters in the schema cache",
            "details": "Searched for the function public.gret without parameters or with a single unnamed json/jsonb"
            " parameter, but no matches were found in the schema cache.",
            "hint": "Perhaps you meant to call the function public.greet",
        },
    ),
    Scenario(
        name="arguments that are nearly right",
        request="GET /rest/v1/rpc/add?a=1&c=2",
        status=404,
        answer={
            "code": "PGRST202",
            "message": "Could not find the function public.add(a, c) in the schema cache",
            "details": "Searched for the function public.add with parameters a, c, but no matches were found in the schema cache.",
            "hint": "Perhaps you meant to call the function public.add(a, b)",
        },
    ),
    Scenario(
        name="text for a function that takes none",
        request="POST /rest/v1/rpc/add",
        body=b"1",
        headers={"Content-Type": "text/plain"},
        status=404,
        contains=("with a single unnamed text parameter", '"hint":null'),
    ),
    Scenario(
        name="no hint names what one may not call", request="GET /rest/v1/rpc/hiddn", status=404, lacks=("hidden",)
    ),
    Scenario(name="what one may not call", request="GET /rest/v1/rpc/hidden", status=401, contains=("42501",)),
    Scenario(name="what others may", request="GET /rest/v1/rpc/hidden", who=Who.ADA, status=403, contains=("42501",)),
    Scenario(name="another method", request="PATCH /rest/v1/rpc/add", json={}, status=405, contains=("PGRST101",)),
    Scenario(name="a value of another type", request="GET /rest/v1/rpc/add?a=one&b=2", status=400, contains=("22P02",)),
    setup=FUNCTIONS,
)

test_native_calls = scenarios(
    Scenario(name="arguments in the query", request="GET /rpc/add?a=1&b=2", status=200, answer=3, statements=1),
    Scenario(
        name="a JSON value in, a JSON value out", request="POST /rpc/add", json={"a": 1, "b": 2}, status=200, answer=3
    ),
    Scenario(
        name="rows", request="GET /rpc/people_older?than=40&select=name", status=200, answer=[{"name": "Charles"}]
    ),
    Scenario(
        name="every wrong argument is told",
        request="POST /rpc/add",
        json={"a": 1, "c": 2},
        status=422,
        contains=("add has no parameter c", "Give b a value of type integer"),
    ),
    Scenario(
        name="and so is every wrong type",
        request="POST /rpc/add",
        json={"a": "many", "b": [1]},
        status=422,
        contains=("Give a a value of type integer", "Give b a value of type integer"),
        statements=0,
    ),
    Scenario(
        name="which arguments there are",
        request="GET /rpc/area?depth=1",
        status=404,
        contains=("area(width integer, height integer)",),
    ),
    Scenario(
        name="a name that is nearly right", request="GET /rpc/gret", status=404, contains=("Did you mean greet?",)
    ),
    Scenario(name="no arguments", request="POST /rpc/stats", json={}, status=200, answer={"low": 36, "high": 79}),
    Scenario(
        name="the whole body", request="POST /rpc/echo", json={"any": "thing"}, status=200, answer={"any": "thing"}
    ),
    Scenario(name="no table is made of a call", request="POST /rpc/things", json={"a": 1}, status=404),
    setup=FUNCTIONS,
)

ODD = """
create type mood as enum ('happy', 'sad');
create type crate as (width int, height int);
create domain percent as int check (value between 0 and 100);
create function "say 'hi'" ("who's there" text) returns text language sql as 'select $1';
create function size(item crate) returns int language sql as 'select ($1).width * ($1).height';
create function sum_of(numbers int[]) returns int[] language sql as 'select array[sum(n)::int] from unnest($1) n';
create function cheer(mood mood, share percent default 7) returns percent language sql
  as 'select case $1 when ''happy'' then $2 end';
create function t(w int, c int default 1) returns table (t int, c int, r text) language sql as $$ select w, c, 'x' $$;
create function one(out "the one" int) language sql as 'select 1';
create function boxes() returns setof crate language sql as 'values ((1, 2)::crate), (null)';
create function nothing() returns setof int language sql as 'select 1 where false';
create function words(variadic many text[] default '{}') returns int language sql as 'select cardinality(many)';
create procedure proceed() language sql as 'select 1';
create function keep() returns trigger language plpgsql as 'begin return new; end';
"""

test_odd_functions = scenarios(
    Scenario(
        name="names that must be quoted",
        request="POST /rest/v1/rpc/say%20'hi'",
        json={"who's there": "I"},
        status=200,
        answer="I",
    ),
    Scenario(
        name="a composite argument",
        request="POST /rest/v1/rpc/size",
        json={"item": {"width": 2, "height": 3}},
        status=200,
        answer=6,
    ),
    Scenario(name="the same as text", request="GET /rest/v1/rpc/size?item=(2,4)", status=200, answer=8),
    Scenario(name="an array in and out", request="GET /rpc/sum_of?numbers={1,2}", status=200, answer=[3]),
    Scenario(name="an array as JSON", request="POST /rpc/sum_of", json={"numbers": [1, 2]}, status=200, answer=[3]),
    Scenario(name="an enum and a domain", request="GET /rpc/cheer?mood=happy", status=200, answer=7),
    Scenario(name="a domain's rule", request="GET /rpc/cheer?mood=happy&share=101", status=422, contains=("percent",)),
    Scenario(name="null", request="POST /rpc/cheer", json={"mood": None}, status=200, answer=None),
    Scenario(
        name="columns named as ours are",
        request="GET /rest/v1/rpc/t?w=1&c=2&select=r,t,c&t=eq.1&order=c",
        status=200,
        answer=[{"r": "x", "t": 1, "c": 2}],
    ),
    Scenario(name="one OUT parameter", request="POST /rest/v1/rpc/one", status=200, answer={"the one": 1}),
    Scenario(
        name="rows of a composite type",
        request="GET /rest/v1/rpc/boxes?select=height&width=not.is.null",
        status=200,
        answer=[{"height": 2}],
    ),
    Scenario(
        name="no values",
        request="GET /rest/v1/rpc/nothing",
        headers={"Prefer": "count=exact"},
        status=200,
        answer=[],
        shows={"content-range": "*/0"},
    ),
    Scenario(name="any number of arguments is none too", request="GET /rest/v1/rpc/words", status=200, answer=0),
    Scenario(
        name="a procedure is no function", request="POST /rest/v1/rpc/proceed", status=404, contains=("PGRST202",)
    ),
    Scenario(name="nor is a trigger's", request="POST /rest/v1/rpc/keep", status=404, contains=("PGRST202",)),
    setup=ODD,
)
