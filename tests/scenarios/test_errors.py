"""Everything a client can do wrong: what is answered to people, and what PostgREST's clients expect."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario, Who
from tests.scenarios.schemas import PEOPLE

JSON = {"Content-Type": "application/json"}
NATIVE = {"content-type": "application/problem+json"}
POSTGREST = {"content-type": "application/json; charset=utf-8"}
NEVER = ("Traceback", "asyncpg", "sqlalchemy", "INSERT INTO", "insert into", "SELECT ", "pgrst_source", "site-packages")

test_native = scenarios(
    Scenario(
        name="malformed JSON",
        request="POST /people",
        body=b'{"name":"Ada",}',
        headers=JSON,
        status=400,
        contains=('"code":"malformed-body"', '"hint"', "line 1"),
    ),
    Scenario(
        name="an empty body", request="POST /people", body=b"", headers=JSON, status=400, contains=("malformed-body",)
    ),
    Scenario(
        name="a wrong content type",
        request="POST /people",
        body=b"name=Ada",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        status=415,
        contains=("unsupported-media-type", "Content-Type: application/json"),
    ),
    Scenario(
        name="no content type",
        request="POST /people",
        body=b'{"name":"Ada"}',
        status=415,
        contains=("unsupported-media-type",),
        leaves=("select count(*)::int from people", 3),
    ),
    Scenario(
        name="a body that is too large",
        request="POST /people",
        body=b'{"name":"' + b"a" * (17 * 1024 * 1024) + b'"}',
        headers=JSON,
        status=413,
        contains=("body-too-large", '"hint"'),
    ),
    Scenario(
        name="an unknown table",
        production=True,
        request="GET /peoples",
        status=404,
        contains=("unknown-table", "people"),
    ),
    Scenario(
        name="an unknown column in a filter",
        request="GET /people?agee=1",
        status=400,
        contains=("unknown-column", "age"),
    ),
    Scenario(
        name="an unknown column in select",
        request="GET /people?select=nam",
        status=400,
        contains=("unknown-column", "name"),
    ),
    Scenario(
        name="an unknown column in order",
        request="GET /people?order=nam",
        status=400,
        contains=("unknown-column", "name"),
    ),
    Scenario(
        name="an unknown field in a body",
        request="POST /people",
        json={"name": "Ada", "nmae": "x"},
        status=422,
        contains=('"field":"nmae"', "Did you mean name?"),
    ),
    Scenario(
        name="several bad fields are told at once",
        request="POST /people",
        json={"age": "old", "badge": "no uuid", "shoe": 1},
        status=422,
        contains=('"field":"age"', '"field":"badge"', '"field":"shoe"', '"field":"name"'),
        leaves=("select count(*)::int from people", 3),
    ),
    Scenario(
        name="bad fields of several rows are told with their places",
        request="POST /people",
        json=[{"name": "x"}, {"name": "y", "age": "old"}, {"age": 1}],
        status=422,
        contains=('"field":"1.age"', '"field":"2.name"'),
        lacks=('"field":"0',),
    ),
    Scenario(
        name="a duplicate key",
        request="POST /people",
        json={"name": "Ada", "email": "ada@example.com"},
        status=409,
        contains=('"code":"duplicate"', "email", '"hint"'),
    ),
    Scenario(
        name="a reference to nothing",
        request="POST /people",
        json={"name": "Ada", "city": 99},
        status=409,
        contains=('"code":"broken-reference"', "city", '"hint"'),
    ),
    Scenario(
        name="something still refers to it",
        request="DELETE /city/1",
        status=409,
        contains=('"code":"broken-reference"', "people"),
        leaves=("select count(*)::int from city", 2),
    ),
    Scenario(
        name="a value that must be there set to null",
        request="PATCH /people/1",
        json={"name": None},
        status=422,
        contains=('"field":"name"', '"hint"'),
    ),
    Scenario(
        name="a check that fails",
        request="POST /people",
        json={"name": "Ada", "age": -1},
        status=422,
        contains=('"code":"broken-check"', "age is not negative", '"hint"'),
    ),
    Scenario(
        name="a bad type",
        request="PATCH /people/1",
        json={"age": "old"},
        status=422,
        contains=('"field":"age"', "integer"),
    ),
    Scenario(
        name="a bad type in a filter", request="GET /people?age=gt.old", status=422, contains=("invalid-value", "old")
    ),
    Scenario(name="a bad type in a key", request="GET /people/ada", status=422, contains=("invalid-value", "ada")),
    Scenario(
        name="a bad UUID",
        request="POST /people",
        json={"name": "x", "badge": "1-2-3"},
        status=422,
        contains=('"field":"badge"', "uuid"),
    ),
    Scenario(
        name="a bad UUID in a filter",
        request="GET /people?badge=1-2-3",
        status=422,
        contains=("invalid-value", "1-2-3"),
    ),
    Scenario(name="a bad limit", request="GET /people?limit=many", status=400, contains=("malformed-query", "limit")),
    Scenario(name="a negative offset", request="GET /people?offset=-1", status=416, contains=("unacceptable-range",)),
    Scenario(
        name="an unfinished filter", request="GET /people?or=(age.gt.1", status=400, contains=("malformed-query",)
    ),
    Scenario(
        name="an unknown operator within or",
        request="GET /people?or=(age.over.1)",
        status=400,
        contains=("malformed-query",),
    ),
    Scenario(
        name="a representation that nobody has",
        request="GET /people",
        headers={"Accept": "image/png"},
        status=406,
        contains=("not-acceptable", "image/png"),
    ),
    Scenario(name="nothing is at this path", request="GET /docs/none", status=404, contains=("unknown-route",)),
    Scenario(
        name="a method that the path does not have",
        request="POST /people/1",
        json={"name": "x"},
        status=405,
        shows={"allow": "OPTIONS,GET,HEAD,PUT,PATCH,DELETE"},
    ),
    setup=PEOPLE,
    lacks=NEVER,
    shows=NATIVE,
)

test_postgrest = scenarios(
    Scenario(
        name="malformed JSON",
        request="POST /rest/v1/people",
        body=b'{"name":"Ada",}',
        headers=JSON,
        status=400,
        contains=('"code":"PGRST102"',),
    ),
    Scenario(
        name="a wrong content type",
        request="POST /rest/v1/people",
        body=b"<a/>",
        headers={"Content-Type": "text/xml"},
        status=400,
        contains=('"code":"PGRST102"', "text/xml"),
    ),
    Scenario(
        name="a body that is too large",
        request="POST /rest/v1/people",
        body=b'{"name":"' + b"a" * (17 * 1024 * 1024) + b'"}',
        headers=JSON,
        status=413,
    ),
    Scenario(
        name="an unknown table",
        request="GET /rest/v1/peopl",
        status=404,
        contains=('"code":"PGRST205"', "Could not find the table 'public.peopl' in the schema cache", "public.people"),
    ),
    Scenario(
        name="an unknown column in a filter",
        request="GET /rest/v1/people?agee=eq.1",
        status=400,
        answer={
            "code": "42703",
            "details": None,
            "hint": 'Perhaps you meant to reference the column "people.age".',
            "message": "column people.agee does not exist",
        },
    ),
    Scenario(
        name="an unknown column in a body",
        request="POST /rest/v1/people?columns=nmae",
        json={"nmae": "x"},
        status=400,
        answer={
            "code": "PGRST204",
            "details": None,
            "hint": None,
            "message": "Could not find the 'nmae' column of 'people' in the schema cache",
        },
    ),
    Scenario(
        name="a duplicate key",
        who=Who.SERVICE,
        request="POST /rest/v1/people",
        json={"name": "Ada", "email": "ada@example.com"},
        status=409,
        answer={
            "code": "23505",
            "details": "Key (email)=(ada@example.com) already exists.",
            "hint": None,
            "message": 'duplicate key value violates unique constraint "people_email_key"',
        },
    ),
    Scenario(
        name="a duplicate key, told to somebody whom row level security binds",
        request="POST /rest/v1/people",
        json={"name": "Ada", "email": "ada@example.com"},
        status=409,
        contains=('"details":null', '"code":"23505"'),
    ),
    Scenario(
        name="a reference to nothing",
        who=Who.SERVICE,
        request="POST /rest/v1/people",
        json={"name": "Ada", "city": 99},
        status=409,
        answer={
            "code": "23503",
            "details": 'Key (city)=(99) is not present in table "city".',
            "hint": None,
            "message": 'insert or update on table "people" violates foreign key constraint "people_city_fkey"',
        },
    ),
    Scenario(
        name="a value that must be there",
        request="POST /rest/v1/people",
        json={"age": 1},
        status=400,
        contains=(
            '"code":"23502"',
            'null value in column \\"name\\" of relation \\"people\\" violates not-null constraint',
        ),
    ),
    Scenario(
        name="a check that fails",
        request="POST /rest/v1/people",
        json={"name": "Ada", "age": -1},
        status=400,
        contains=('"code":"23514"', "age is not negative"),
    ),
    Scenario(
        name="a bad type",
        request="GET /rest/v1/people?age=gt.old",
        status=400,
        answer={
            "code": "22P02",
            "details": None,
            "hint": None,
            "message": 'invalid input syntax for type integer: "old"',
        },
    ),
    Scenario(
        name="a bad UUID",
        request="GET /rest/v1/people?badge=eq.1-2-3",
        status=400,
        answer={
            "code": "22P02",
            "details": None,
            "hint": None,
            "message": 'invalid input syntax for type uuid: "1-2-3"',
        },
    ),
    Scenario(
        name="an equality without its operator",
        request="GET /rest/v1/people?age=1",
        status=400,
        contains=('"code":"PGRST100"', "failed to parse filter (1)"),
    ),
    Scenario(
        name="one row asked for and several there",
        request="GET /rest/v1/people",
        headers={"Accept": "application/vnd.pgrst.object+json"},
        status=406,
        answer={
            "code": "PGRST116",
            "details": "The result contains 3 rows",
            "hint": None,
            "message": "Cannot coerce the result to a single JSON object",
        },
    ),
    Scenario(
        name="a schema that is not exposed",
        request="GET /rest/v1/people",
        headers={"Accept-Profile": "auth"},
        status=406,
        contains=('"code":"PGRST106"', "Invalid schema: auth"),
    ),
    Scenario(
        name="a preference that nobody knows, strictly",
        request="GET /rest/v1/people",
        headers={"Prefer": "handling=strict, colour=blue"},
        status=400,
        contains=('"code":"PGRST122"', "colour=blue"),
    ),
    setup=PEOPLE,
    lacks=tuple(word for word in NEVER if word != "insert into"),
    shows=POSTGREST,
)
