"""Reading and writing rows in both profiles: keys of several columns, many rows at once, preferences, operators."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import ENROLMENT, PEOPLE

ROWS = {"Prefer": "return=representation"}
COUNT = "select count(*)::int from people"

test_composite_keys = scenarios(
    Scenario(
        name="one row",
        request="GET /enrolment/1,sets",
        status=200,
        answer={"student": 1, "course": "sets", "grade": 4},
        statements=1,
    ),
    Scenario(
        name="a change", request="PATCH /enrolment/1,sets", json={"grade": 1}, status=200, contains=('"grade":1',)
    ),
    Scenario(
        name="a new row at its key",
        request="PUT /enrolment/3,sets",
        json={"grade": 2},
        status=201,
        contains=('"student":3',),
    ),
    Scenario(
        name="a row deleted",
        request="DELETE /enrolment/2,logic",
        status=200,
        leaves=("select count(*)::int from enrolment", 2),
    ),
    Scenario(name="too few parts", request="GET /enrolment/1", status=400, contains=("student", "course")),
    Scenario(
        name="a new row and where it lies",
        request="POST /enrolment",
        json={"student": 7, "course": "a/b,c", "grade": 1},
        status=201,
        shows={"location": "/enrolment/7,a%2Fb%2Cc"},
    ),
    Scenario(
        name="a key with a slash and a comma",
        setup="insert into enrolment values (7, 'a/b,c', 1);",
        request="GET /enrolment/7,a%2Fb%2Cc",
        status=200,
        contains=("a/b,c",),
    ),
    setup=ENROLMENT,
)

test_native_writes = scenarios(
    Scenario(
        name="many rows at once, in one statement",
        request="POST /people",
        json=[{"name": f"P{number}"} for number in range(50)],
        status=201,
        contains=('"name":"P0"', '"name":"P49"'),
        statements=1,
        leaves=(COUNT, 53),
    ),
    Scenario(
        name="one bad row in many leaves none",
        request="POST /people",
        json=[{"name": "fine"}, {"name": "twice", "email": "ada@example.com"}],
        status=409,
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="many rows with different keys keep their order and their defaults",
        request="POST /people",
        json=[{"name": "a", "age": 1}, {"name": "b"}, {"name": "c", "age": 3}],
        status=201,
        contains=('"name":"a"', '"name":"b"', '"name":"c"'),
    ),
    Scenario(name="an empty list", request="POST /people", json=[], status=201, answer=[], leaves=(COUNT, 3)),
    Scenario(
        name="nothing to be answered",
        request="POST /people",
        json={"name": "x"},
        headers={"Prefer": "return=minimal"},
        status=201,
        shows={"content-type": None, "preference-applied": "return=minimal"},
        leaves=(COUNT, 4),
    ),
    Scenario(
        name="where the new row lies and nothing else",
        request="POST /people",
        json={"name": "x"},
        headers={"Prefer": "return=headers-only"},
        status=201,
        shows={"location": "/people/4", "preference-applied": "return=headers-only"},
    ),
    setup=PEOPLE,
)

test_postgrest_writes = scenarios(
    Scenario(
        name="a row, and nothing back",
        request="POST /rest/v1/people",
        json={"name": "x"},
        status=201,
        shows={"content-type": None, "location": None},
        leaves=(COUNT, 4),
    ),
    Scenario(
        name="a row, and where it lies",
        request="POST /rest/v1/people",
        json={"name": "x"},
        headers={"Prefer": "return=headers-only"},
        status=201,
        shows={"location": "/people?id=eq.4"},
    ),
    Scenario(
        name="a row, and the row back",
        request="POST /rest/v1/people?select=id,name",
        json={"name": "x"},
        headers=ROWS,
        status=201,
        answer=[{"id": 4, "name": "x"}],
        statements=1,
    ),
    Scenario(
        name="many rows, and one column of them back",
        request="POST /rest/v1/people?select=name",
        json=[{"name": "x"}, {"name": "y"}],
        headers=ROWS,
        status=201,
        answer=[{"name": "x"}, {"name": "y"}],
        statements=1,
    ),
    Scenario(
        name="a change, and nothing back",
        request="PATCH /rest/v1/people?id=eq.1",
        json={"age": 1},
        status=204,
        shows={"content-type": None},
    ),
    Scenario(
        name="a change, and the row back",
        request="PATCH /rest/v1/people?id=eq.1&select=age",
        json={"age": 1},
        headers=ROWS,
        status=200,
        answer=[{"age": 1}],
        statements=1,
    ),
    Scenario(
        name="a change of no row",
        request="PATCH /rest/v1/people?id=eq.99",
        json={"age": 1},
        headers=ROWS,
        status=200,
        answer=[],
    ),
    Scenario(
        name="a row deleted, and nothing back", request="DELETE /rest/v1/people?id=eq.1", status=204, leaves=(COUNT, 2)
    ),
    Scenario(
        name="an upsert",
        request="POST /rest/v1/people?select=id,name,age",
        json=[{"id": 1, "name": "Countess", "age": 36}, {"id": 9, "name": "New", "age": 1}],
        headers={"Prefer": "resolution=merge-duplicates, return=representation"},
        status=201,
        contains=("Countess", "New"),
        leaves=(COUNT, 4),
    ),
    Scenario(
        name="an upsert on another unique column",
        request="POST /rest/v1/people?on_conflict=email&select=id,name",
        json={"name": "Countess", "email": "ada@example.com"},
        headers={"Prefer": "resolution=merge-duplicates, return=representation"},
        status=200,
        answer=[{"id": 1, "name": "Countess"}],
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="duplicates passed over",
        request="POST /rest/v1/people?select=id",
        json=[{"id": 1, "name": "no"}, {"id": 9, "name": "yes"}],
        headers={"Prefer": "resolution=ignore-duplicates, return=representation"},
        status=201,
        answer=[{"id": 9}],
    ),
    setup=PEOPLE,
)

test_reads = scenarios(
    *(
        Scenario(
            name=f"people?{query}",
            request=f"GET {prefix}/people?select=name&order=id&{query}",
            status=200,
            answer=[{"name": n} for n in names],
        )
        for prefix in ("", "/rest/v1")
        for query, names in (
            ("age=eq.36", ["Ada"]),
            ("age=neq.36", ["Blaise", "Charles"]),
            ("age=gt.36&age=lt.79", ["Blaise"]),
            ("age=gte.36&age=lte.39", ["Ada", "Blaise"]),
            ("name=like.*la*", ["Blaise"]),
            ("name=ilike.A*", ["Ada"]),
            ("name=match.^[AB]", ["Ada", "Blaise"]),
            ("name=imatch.^a", ["Ada"]),
            ("name=in.(Ada,Charles)", ["Ada", "Charles"]),
            ("email=is.null", ["Charles"]),
            ("email=not.is.null", ["Ada", "Blaise"]),
            ("email=isdistinct.ada@example.com", ["Blaise", "Charles"]),
            ("or=(age.lt.37,age.gt.70)", ["Ada", "Charles"]),
            ("and=(city.eq.1,or(age.eq.36,age.eq.39))", ["Ada"]),
            ("not.or=(age.eq.36,age.eq.39)", ["Charles"]),
            ("city=not.eq.1", ["Blaise"]),
            ("limit=0", []),
            ("limit=1&offset=2", ["Charles"]),
        )
    ),
    setup=PEOPLE,
    statements=1,
)

test_selection = scenarios(
    Scenario(
        name="renamed and cast columns",
        request="GET /people?select=who:name,age::text&id=eq.1",
        status=200,
        answer=[{"who": "Ada", "age": "36"}],
    ),
    Scenario(
        name="a part of the rows, with their number in all",
        request="GET /rest/v1/people?select=name&order=name.desc&limit=2",
        headers={"Prefer": "count=exact"},
        status=206,
        answer=[{"name": "Charles"}, {"name": "Blaise"}],
        shows={"content-range": "0-1/3"},
        statements=1,
    ),
    Scenario(
        name="a Range header",
        request="GET /rest/v1/people?select=name&order=id",
        headers={"Range-Unit": "items", "Range": "1-2"},
        status=200,
        answer=[{"name": "Blaise"}, {"name": "Charles"}],
        shows={"content-range": "1-2/*"},
    ),
    Scenario(
        name="nulls last",
        request="GET /people?select=name&order=email.desc.nullslast",
        status=200,
        answer=[{"name": "Blaise"}, {"name": "Ada"}, {"name": "Charles"}],
    ),
    Scenario(
        name="one object",
        request="GET /rest/v1/people?id=eq.1&select=name",
        headers={"Accept": "application/vnd.pgrst.object+json"},
        status=200,
        answer={"name": "Ada"},
        shows={"content-type": "application/vnd.pgrst.object+json; charset=utf-8"},
    ),
    Scenario(
        name="a quote in a value stays a value",
        request="GET /people?name=eq.%27%3B%20drop%20table%20people%3B--",
        status=200,
        answer=[],
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="a quote in a name is no name",
        request="GET /people?order=name%22%3B%20drop%20table%20people",
        status=400,
        leaves=(COUNT, 3),
    ),
    setup=PEOPLE,
)
