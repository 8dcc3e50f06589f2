"""What writes make of the dialect: defaults, upserts, what comes back, and every row in its place; each in one statement."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import ENROLMENT, PEOPLE, opened

ROWS = {"Prefer": "return=representation"}
MERGE = {"Prefer": "resolution=merge-duplicates,return=representation"}
IGNORE = {"Prefer": "resolution=ignore-duplicates,return=representation"}
COUNT = "select count(*)::int from people"
TOWNS = "&select=name,home:city(name)"

ITEMS = """
create table items (
  id int primary key,
  place text not null default 'shelf',
  note text,
  doubled int generated always as (id * 2) stored
);
insert into items values (1, 'box', 'old');
create function label(items) returns text language sql stable as $$ select $1.place || '-' || $1.id $$;
create function neighbours(items) returns setof items rows 10 language sql stable as 'select * from items where id <> $1.id';
""" + opened("items")

COLOURS = """
create domain colour as int check (value between 0 and 16777215);
create function colour_of(json) returns colour language sql immutable
  as $$ select ('x' || lpad(ltrim($1 #>> '{}', '#'), 8, '0'))::bit(32)::int $$;
create function colour_json(colour) returns json language sql immutable
  as $$ select to_json('#' || lpad(to_hex($1::int), 6, '0')) $$;
create cast (json as colour) with function colour_of(json) as implicit;
create cast (colour as json) with function colour_json(colour) as implicit;
create table paints (id int primary key, shade colour);
insert into paints values (1, 255);
""" + opened("paints")

SOME_COLUMNS = """
create table staff (id int primary key, name text, salary int);
alter table staff enable row level security;
create policy everybody on staff using (true) with check (true);
insert into staff values (1, 'Ada', 5000);
grant select (id, name), insert, update (name, salary), delete on staff to anon;
"""

test_inserts = scenarios(
    Scenario(
        name="with rows of another table in what comes back",
        request="POST /rest/v1/people?columns=name,city" + TOWNS,
        json=[{"name": "D", "city": 2}, {"name": "E", "city": 1, "ignored": 1}],
        headers=ROWS,
        status=201,
        answer=[{"name": "D", "home": {"name": "Paris"}}, {"name": "E", "home": {"name": "London"}}],
        statements=1,
    ),
    Scenario(
        name="taken together",
        request="POST /people?select=age.sum(),count()",
        json=[{"name": "D", "age": 1}, {"name": "E", "age": 2}],
        status=201,
        answer=[{"sum": 3, "count": 2}],
        statements=1,
    ),
    Scenario(
        name="that lack keys take defaults, and come back in their order",
        request="POST /rest/v1/items?columns=id,place,note&select=id,place,note,doubled,label",
        json=[{"id": 7, "place": "bag"}, {"id": 5, "note": "n"}, {"id": 6, "place": "hat"}, {"id": 4}],
        headers={"Prefer": "missing=default, return=representation"},
        status=201,
        answer=[
            {"id": 7, "place": "bag", "note": None, "doubled": 14, "label": "bag-7"},
            {"id": 5, "place": "shelf", "note": "n", "doubled": 10, "label": "shelf-5"},
            {"id": 6, "place": "hat", "note": None, "doubled": 12, "label": "hat-6"},
            {"id": 4, "place": "shelf", "note": None, "doubled": 8, "label": "shelf-4"},
        ],
        shows={"preference-applied": "missing=default, return=representation"},
        statements=1,
    ),
    Scenario(
        name="that lack keys are null without that wish",
        request="POST /rest/v1/items?columns=id,note",
        json=[{"id": 7, "note": "x"}, {"id": 5}],
        headers=ROWS,
        status=201,
        contains=('"id":5,"place":"shelf","note":null',),
    ),
    Scenario(
        name="of different keys, where none are named",
        request="POST /rest/v1/items",
        json=[{"id": 7, "note": "x"}, {"id": 5}],
        status=400,
        contains=("All object keys must match",),
    ),
    Scenario(
        name="as CSV",
        request="POST /rest/v1/items?select=id,place,note",
        body=b'id,place,note\n7,"a, b",NULL\n8,c,d\n',
        headers={"Content-Type": "text/csv", **ROWS},
        status=201,
        answer=[{"id": 7, "place": "a, b", "note": None}, {"id": 8, "place": "c", "note": "d"}],
    ),
    Scenario(
        name="as a form",
        request="POST /rest/v1/items?select=id,note",
        body=b"id=7&note=a%26b",
        headers={"Content-Type": "application/x-www-form-urlencoded", **ROWS},
        status=201,
        answer=[{"id": 7, "note": "a&b"}],
    ),
    Scenario(
        name="with a function that makes rows of a row",
        request="POST /rest/v1/items?select=id,neighbours(id,place)",
        json={"id": 7},
        headers=ROWS,
        status=201,
        answer=[{"id": 7, "neighbours": [{"id": 1, "place": "box"}]}],
        statements=1,
    ),
    Scenario(
        name="with a column that nobody has",
        request="POST /rest/v1/items",
        json={"id": 7, "colour": 1},
        status=400,
        contains=("PGRST204", "Could not find the 'colour' column of 'items' in the schema cache"),
    ),
    setup=PEOPLE + ITEMS,
)

test_upserts = scenarios(
    Scenario(
        name="replace what is there",
        request="POST /rest/v1/items?select=id,note,place",
        json=[{"id": 1, "note": "new"}, {"id": 2, "note": "two"}],
        headers=MERGE,
        status=201,
        answer=[{"id": 1, "note": "new", "place": "box"}, {"id": 2, "note": "two", "place": "shelf"}],
        statements=1,
    ),
    Scenario(
        name="that only replace",
        request="POST /rest/v1/items",
        json=[{"id": 1, "note": "n"}],
        headers=MERGE,
        status=200,
    ),
    Scenario(
        name="leave what is there",
        request="POST /rest/v1/items?select=id,note",
        json=[{"id": 1, "note": "new"}, {"id": 2, "note": "two"}],
        headers=IGNORE,
        status=201,
        answer=[{"id": 2, "note": "two"}],
    ),
    Scenario(
        name="by another key than the primary one",
        request="POST /rest/v1/people?on_conflict=email&select=id,name,age",
        json=[{"name": "Countess", "email": "ada@example.com"}],
        headers=MERGE,
        status=200,
        answer=[{"id": 1, "name": "Countess", "age": 36}],
    ),
    Scenario(
        name="of rows with different keys",
        request="POST /items?select=id,place,note",
        json=[{"id": 3, "place": "cup"}, {"id": 1, "note": "new"}, {"id": 2}],
        headers=MERGE,
        status=201,
        answer=[
            {"id": 3, "place": "cup", "note": None},
            {"id": 1, "place": "box", "note": "new"},
            {"id": 2, "place": "shelf", "note": None},
        ],
        statements=1,
    ),
    Scenario(
        name="with defaults for what a row lacks, those that are there included",
        request="POST /rest/v1/items?columns=id,place,note&select=id,place,note",
        json=[{"id": 1, "note": "new"}, {"id": 2, "place": "cup"}],
        headers={"Prefer": "resolution=merge-duplicates, missing=default, return=representation"},
        status=201,
        answer=[{"id": 1, "place": "shelf", "note": "new"}, {"id": 2, "place": "cup", "note": None}],
        statements=1,
    ),
    Scenario(
        name="by PUT, of a row that is not there",
        request="PUT /rest/v1/enrolment?student=eq.9&course=eq.art",
        json={"student": 9, "course": "art", "grade": 1},
        headers=ROWS,
        status=201,
        answer=[{"student": 9, "course": "art", "grade": 1}],
        statements=1,
    ),
    Scenario(
        name="by PUT, of one that is",
        request="PUT /rest/v1/enrolment?student=eq.1&course=eq.sets",
        json=[{"student": 1, "course": "sets", "grade": 1}],
        status=204,
        leaves=("select grade from enrolment where student = 1 and course = 'sets'", 1),
    ),
    Scenario(
        name="by PUT, with another key in the body",
        request="PUT /rest/v1/enrolment?student=eq.1&course=eq.sets",
        json={"student": 2, "course": "sets", "grade": 1},
        status=400,
        contains=("PGRST115",),
        leaves=("select count(*)::int from enrolment", 3),
    ),
    Scenario(
        name="by PUT, with half a key",
        request="PUT /rest/v1/enrolment?student=eq.1",
        json={"student": 1, "course": "sets"},
        status=405,
        contains=("PGRST105",),
    ),
    Scenario(
        name="by PUT, with a limit",
        request="PUT /rest/v1/items?id=eq.1&limit=1",
        json={"id": 1},
        status=400,
        contains=("PGRST114",),
    ),
    Scenario(
        name="by PUT and a filter, natively",
        request="PUT /items?id=1",
        json={"id": 1, "note": "new"},
        status=200,
        contains=('"place":"box","note":"new"',),
    ),
    setup=PEOPLE + ENROLMENT + ITEMS,
)

test_changes = scenarios(
    Scenario(
        name="go back to defaults",
        request="PATCH /rest/v1/items?id=eq.1&columns=place,note",
        json={"note": "x"},
        headers={"Prefer": "missing=default, return=representation"},
        status=200,
        answer=[{"id": 1, "place": "shelf", "note": "x", "doubled": 2}],
        statements=1,
    ),
    Scenario(
        name="answer with rows of another table in their order",
        request="PATCH /rest/v1/people?age=lt.50&order=name.desc" + TOWNS,
        json={"badge": None},
        headers=ROWS,
        status=200,
        answer=[{"name": "Blaise", "home": {"name": "Paris"}}, {"name": "Ada", "home": {"name": "London"}}],
        statements=1,
    ),
    Scenario(
        name="of nothing",
        request="PATCH /rest/v1/items?select=id",
        json={},
        headers=ROWS,
        status=200,
        answer=[],
        shows={"content-range": "*/*"},
    ),
    Scenario(
        name="removals with what was there",
        request="DELETE /rest/v1/people?or=(age.eq.79,name.eq.Ada)&order=id" + TOWNS,
        headers={"Prefer": "return=representation, count=exact"},
        status=200,
        answer=[{"name": "Ada", "home": {"name": "London"}}, {"name": "Charles", "home": {"name": "London"}}],
        shows={"content-range": "*/2"},
        statements=1,
    ),
    setup=PEOPLE + ITEMS,
)

test_domains_that_represent_themselves = scenarios(
    Scenario(
        name="are read on the way in and shown on the way out",
        request="POST /rest/v1/paints",
        json=[{"id": 2, "shade": "#0000ff"}, {"id": 3, "shade": None}],
        headers=ROWS,
        status=201,
        answer=[{"id": 2, "shade": "#0000ff"}, {"id": 3, "shade": None}],
        leaves=("select shade::int from paints where id = 2", 255),
    ),
    Scenario(
        name="are changed natively",
        request="PATCH /paints/1?select=shade",
        json={"shade": "#00ff00"},
        status=200,
        answer={"shade": "#00ff00"},
        leaves=("select shade::int from paints", 65280),
    ),
    setup=COLOURS,
)

test_column_grants = scenarios(
    Scenario(
        name="a native write answers with what may be read",
        request="POST /staff",
        json={"id": 2, "name": "Bob", "salary": 1},
        status=201,
        answer={"id": 2, "name": "Bob"},
    ),
    Scenario(
        name="and so does a change",
        request="PATCH /staff/1",
        json={"salary": 6000},
        status=200,
        answer={"id": 1, "name": "Ada"},
    ),
    Scenario(
        name="what is chosen may be read",
        request="POST /rest/v1/staff?select=name",
        json={"id": 2, "name": "Bob", "salary": 1},
        headers=ROWS,
        status=201,
        answer=[{"name": "Bob"}],
    ),
    Scenario(
        name="what may not be read does not come back",
        request="PATCH /rest/v1/staff?id=eq.1",
        json={"name": "Eve"},
        headers=ROWS,
        status=401,
        contains=("42501",),
        leaves=("select name from staff", "Ada"),
    ),
    setup=SOME_COLUMNS,
    lacks=("5000", "6000"),
)
