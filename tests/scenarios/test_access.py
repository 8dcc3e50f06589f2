"""Who may see and do what: row level security between two users, grants on columns, and what production refuses."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario, Who
from tests.scenarios.schemas import NOTES, PARTLY_GRANTED, UNGUARDED

ADA, BOB = str(Who.ADA.value), str(Who.BOB.value)
SINGULAR = {"Accept": "application/vnd.pgrst.object+json"}
HIDDEN = ("bob builds", "bob sings", BOB)
UNTOUCHED = (
    "select string_agg(text, ', ' order by id) from notes where owner <> '" + ADA + "'",
    "bob builds, bob sings",
)

test_native = scenarios(
    Scenario(
        name="a list has one's own rows",
        request="GET /notes?select=text",
        status=200,
        answer=[{"text": "ada plans"}],
        statements=1,
    ),
    Scenario(name="a key of somebody else's row", request="GET /notes/2", status=404),
    Scenario(name="a filter for somebody else", request="GET /notes?id=in.(2,3)", status=200, answer=[]),
    Scenario(
        name="a count of the rows one may see",
        request="GET /notes?select=id",
        headers={"Prefer": "count=exact"},
        status=200,
        shows={"content-range": "0-0/1"},
        statements=1,
    ),
    Scenario(name="a change to somebody else's row", request="PATCH /notes/2", json={"text": "mine"}, status=404),
    Scenario(
        name="a change to all rows touches one's own",
        request="PATCH /notes?id=gte.1",
        json={"text": "mine"},
        status=200,
        contains=("mine",),
    ),
    Scenario(name="somebody else's row deleted", request="DELETE /notes/3", status=404),
    Scenario(name="all rows deleted leaves those of others", request="DELETE /notes?id=gte.1", status=200),
    Scenario(name="a row put over somebody else's", request="PUT /notes/2", json={"text": "mine"}, status=404),
    Scenario(
        name="a new row is one's own",
        request="POST /notes",
        json={"text": "new"},
        status=201,
        contains=(f'"owner":"{ADA}"',),
        statements=1,
    ),
    setup=NOTES,
    who=Who.ADA,
    lacks=HIDDEN,
    leaves=UNTOUCHED,
)

test_strangers = scenarios(
    Scenario(
        name="a new row in somebody else's name",
        who=Who.ADA,
        request="POST /notes",
        json={"text": "forged", "owner": BOB},
        status=403,
        contains=('"code":"denied"', '"hint"'),
    ),
    Scenario(name="a row given away", who=Who.ADA, request="PATCH /notes/1", json={"owner": BOB}, status=403),
    Scenario(
        name="nobody in particular",
        request="GET /notes",
        status=401,
        shows={"www-authenticate": "Bearer"},
    ),
    Scenario(name="nobody in particular, writing", request="POST /notes", json={"text": "x"}, status=401),
    Scenario(name="a forged token", who=Who.FORGER, request="GET /notes", status=401, contains=("unauthenticated",)),
    Scenario(
        name="a token that is none",
        headers={"Authorization": "Bearer nonsense"},
        request="GET /notes",
        status=401,
        contains=("unauthenticated",),
    ),
    setup=NOTES,
    lacks=("bob builds", "bob sings", "ada plans"),
    leaves=("select count(*)::int from notes", 3),
)

test_service = scenarios(
    Scenario(
        name="the service role sees all rows",
        who=Who.SERVICE,
        request="GET /notes?select=text&order=id",
        status=200,
        answer=[{"text": "ada plans"}, {"text": "bob builds"}, {"text": "bob sings"}],
    ),
    setup=NOTES,
)

test_postgrest = scenarios(
    Scenario(
        name="a list has one's own rows",
        request="GET /rest/v1/notes?select=text",
        status=200,
        answer=[{"text": "ada plans"}],
    ),
    Scenario(name="somebody else's row by filter", request="GET /rest/v1/notes?id=eq.2", status=200, answer=[]),
    Scenario(
        name="somebody else's row as one object",
        request="GET /rest/v1/notes?id=eq.2",
        headers=SINGULAR,
        status=406,
        contains=("PGRST116",),
    ),
    Scenario(
        name="a change to all rows touches one's own",
        request="PATCH /rest/v1/notes",
        json={"text": "mine"},
        headers={"Prefer": "return=representation"},
        status=200,
        contains=("mine",),
    ),
    Scenario(
        name="all rows deleted leaves those of others",
        request="DELETE /rest/v1/notes",
        headers={"Prefer": "return=representation, count=exact"},
        status=200,
        contains=("ada plans",),
        shows={"content-range": "*/1"},
    ),
    Scenario(
        name="an upsert over somebody else's row",
        request="POST /rest/v1/notes",
        json={"id": 2, "text": "mine"},
        headers={"Prefer": "resolution=merge-duplicates"},
        status=403,
        contains=('"code":"42501"',),
    ),
    Scenario(
        name="a new row in somebody else's name",
        request="POST /rest/v1/notes",
        json={"text": "forged", "owner": "0190c000-0000-7000-8000-000000000000"},
        status=403,
        answer={
            "code": "42501",
            "details": None,
            "hint": None,
            "message": 'new row violates row-level security policy for table "notes"',
        },
    ),
    setup=NOTES,
    who=Who.ADA,
    lacks=HIDDEN,
    leaves=UNTOUCHED,
)

test_columns = scenarios(
    Scenario(
        name="a granted column", request="GET /staff?select=id,name", status=200, answer=[{"id": 1, "name": "Ada"}]
    ),
    Scenario(name="a column that is not granted", request="GET /staff?select=salary", status=401),
    Scenario(name="a filter on it", request="GET /staff?select=id&salary=gt.4000", status=401),
    Scenario(name="an order by it", request="GET /staff?select=id&order=salary", status=401),
    Scenario(
        name="a filter on it inside or", request="GET /rest/v1/staff?select=id&or=(salary.gt.4000,id.eq.2)", status=401
    ),
    Scenario(name="everything, of which one is not granted", request="GET /rest/v1/staff", status=401),
    setup=PARTLY_GRANTED,
    lacks=("5000",),
)

test_production = scenarios(
    Scenario(
        name="a table without row level security",
        request="GET /unguarded",
        status=403,
        contains=("not-exposed", "row level security"),
    ),
    Scenario(name="writing to it", request="POST /unguarded", json={"id": 2}, status=403),
    Scenario(name="one row of it", request="GET /unguarded/1", status=403),
    Scenario(
        name="the same in the PostgREST profile", request="GET /rest/v1/unguarded", status=404, contains=("PGRST205",)
    ),
    Scenario(name="even with a token", who=Who.ADA, request="GET /unguarded", status=403),
    setup=UNGUARDED,
    production=True,
    lacks=("in the open",),
    leaves=("select count(*)::int from unguarded", 1),
)

test_development = scenarios(
    Scenario(
        name="a table without row level security is served in development",
        request="GET /unguarded",
        status=200,
        answer=[{"id": 1, "secret": "in the open"}],
    ),
    setup=UNGUARDED,
)
