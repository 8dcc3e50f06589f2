"""In development: what is refused or undone makes no table and no column, and numbering goes on behind rows that bring their numbers."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.test_first_steps import DATA, JSON

NO_TABLE = ("select to_regclass('public.fresh') is null", True)
FOUR_COLUMNS = ("select count(*) from information_schema.columns where table_name = 'data'", 4)

test_refusals_make_no_table = scenarios(
    Scenario(
        name="a column to select that there is none", request="POST /fresh?select=nope", json={"a": 1}, status=400
    ),
    Scenario(name="a number that is too large", request="POST /fresh", body=b'{"a":1e400}', status=422),
    Scenario(name="a text with NUL", request="POST /fresh", json={"a": "x\0"}, status=422),
    Scenario(
        name="an answer that nobody can give",
        request="POST /fresh",
        json={"a": 1},
        status=406,
        headers={"Accept": "image/png"},
    ),
    Scenario(
        name="a role that does not exist",
        request="POST /fresh",
        json={"a": 1},
        status=403,
        settings={"anon_role": "nobody"},
    ),
    Scenario(
        name="rows of which PostgreSQL refuses one", request="POST /fresh", json=[{"id": 1}, {"id": 1}], status=409
    ),
    Scenario(
        name="nor does a write that is undone",
        request="POST /fresh",
        json={"a": 1},
        status=201,
        headers={"Prefer": "tx=rollback"},
        contains=('"a":1',),
    ),
    Scenario(
        name="nor does a plan that is asked for",
        request="POST /fresh",
        json={"a": 1},
        status=200,
        headers={"Accept": "application/vnd.pgrst.plan+json"},
        contains=("Insert",),
    ),
    headers=JSON,
    leaves=NO_TABLE,
)

test_refusals_make_no_column = scenarios(
    Scenario(name="another value is wrong", request="POST /data", json={"new": 1, "age": "x"}, status=422),
    Scenario(name="a row to change that is not there", request="PATCH /data/777", json={"new": 1}, status=404),
    Scenario(name="a row to replace that is not there", request="PUT /data/777", json={"new": 1}, status=404),
    Scenario(
        name="too many rows to change",
        request="PATCH /data?id=gt.0",
        json={"new": 1},
        status=400,
        headers={"Prefer": "max-affected=1"},
    ),
    Scenario(
        name="nor does a write that is undone",
        request="POST /data",
        json={"new": 1},
        status=201,
        headers={"Prefer": "tx=rollback"},
    ),
    setup=DATA,
    leaves=FOUR_COLUMNS,
)

OWN = """
create table own (id serial primary key, name text unique);
insert into own (id, name) select n, 'Own ' || n from generate_series(1, 9) as n;
alter table own enable row level security;
create policy everybody on own using (true) with check (true);
grant select, insert on own to anon; grant usage on own_id_seq to anon;
"""
BEHIND = (
    "The numbering of id is behind its rows: the next number is taken already.",
    """select setval(pg_get_serial_sequence('\\"public\\".\\"own\\"', 'id'), (select max(\\"id\\") from \\"public\\".\\"own\\"));""",
)
NEXT = "select nextval(pg_get_serial_sequence('{}', 'id'))"

test_numbers = scenarios(
    Scenario(
        name="a table made of rows with ids goes on behind them",
        request="POST /seed",
        json=[{"id": 1, "x": 1}, {"id": 7, "x": 2}, {"x": 3}],
        status=201,
        contains=('"id":8',),
        leaves=(NEXT.format("seed"), 9),
    ),
    Scenario(
        name="so does one that is there already",
        setup=DATA,
        request="POST /data",
        json=[{"id": "40", "name": "a"}, {"name": "b"}],
        status=201,
        leaves=(NEXT.format("data"), 42),
    ),
    Scenario(
        name="an id that is lower moves nothing",
        setup=DATA + "select setval(pg_get_serial_sequence('data', 'id'), 90);",
        request="POST /data",
        json={"id": 40, "name": "a"},
        status=201,
        leaves=(NEXT.format("data"), 91),
    ),
    Scenario(
        name="an id that would leave no number moves nothing",
        setup=DATA,
        request="POST /data",
        json={"id": 2**63 - 1, "name": "a"},
        status=201,
        leaves=(NEXT.format("data"), 4),
    ),
    Scenario(
        name="a table of one's own is not touched",
        setup=OWN,
        request="POST /own",
        json={"id": 40, "name": "a"},
        status=201,
        leaves=(NEXT.format("own"), 1),
    ),
    Scenario(
        name="whoever sent no id is told that the numbering is behind",
        setup=OWN,
        request="POST /own",
        json={"name": "a"},
        status=409,
        contains=BEHIND,
    ),
    Scenario(
        name="so it is in production",
        production=True,
        setup=OWN,
        request="POST /own",
        json={"name": "a"},
        status=409,
        contains=BEHIND,
    ),
    Scenario(
        name="whoever sent one is not",
        setup=OWN,
        request="POST /own",
        json={"id": 1, "name": "a"},
        status=409,
        contains=("Another row has this id already.",),
        lacks=("numbering", "setval"),
    ),
    Scenario(
        name="nor is whoever met another key",
        setup=OWN + "select setval('own_id_seq', 9);",
        request="POST /own",
        json={"name": "Own 1"},
        status=409,
        contains=("Another row has this name already.",),
        lacks=("numbering", "setval"),
    ),
    Scenario(
        name="the PostgREST profile has PostgreSQL's own words",
        setup=OWN,
        request="POST /rest/v1/own",
        json={"name": "a"},
        status=409,
        contains=("23505",),
        lacks=("numbering", "setval"),
    ),
)
