"""Settings of the data API, each as a client notices it."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario, Who
from tests.scenarios.schemas import PEOPLE, opened

COUNT = "select count(*)::int from people"
ROWS = "return=representation"

ASKING = (
    PEOPLE
    + """
create function setting(name text) returns text language sql stable as 'select current_setting(name, true)';
create function note() returns void language plpgsql as $$ begin
  perform set_config('app.noted', current_setting('request.method') || ' ' || current_setting('request.path'), true);
  perform set_config('response.headers', '[{"X-Noted":"yes"}]', true);
  if current_setting('request.headers')::json->>'x-forbidden' is not null then
    raise insufficient_privilege using message = 'not you';
  end if;
end $$;
create function slow() returns text language sql stable set statement_timeout = '7s' set work_mem = '5MB'
  as $$ select current_setting('statement_timeout') $$;
create function strict() returns text language sql stable set default_transaction_isolation = 'serializable'
  as $$ select current_setting('transaction_isolation') $$;
"""
)


CAREFUL = """
do $$ begin execute format('alter role anon in database %I set default_transaction_isolation = %L',
  current_database(), 'repeatable read'); end $$
"""


# Sent twice, the cookie of a session signs nobody in, and the function is called.
OURS = "a=1; __Host-pellucid=x; __Host-pellucid=y; pellucid-flow=x; __Host-pellucid-elsewhere=x; b=2"


def told(name: str, value: str | None, **more: object) -> Scenario:
    """A function sees this value of a setting."""
    named = {"name": f"a function sees {name}", "request": f"GET /rest/v1/rpc/setting?name={name}", "status": 200}
    return Scenario(**{**named, "answer": value, **more})  # type: ignore[arg-type]


test_transactions = scenarios(
    told("request.method", "GET"),
    told("request.path", "/rpc/setting"),
    told("request.cookies", '{"a":"1","b":"c=d"}', headers={"Cookie": "a=1; b=c=d"}),
    Scenario(
        name="a function sees no cookie of ours",
        request="GET /rest/v1/rpc/setting?name=request.cookies",
        headers={"Cookie": OURS},
        status=200,
        answer='{"a":"1","b":"2"}',
    ),
    told("search_path", '"public", "public"'),
    told("search_path", '"public", "auth", "odd ""one"', settings={"extra_search_path": ("auth", 'odd "one')}),
    told("app.settings.colour", "blue", settings={"app_settings": {"colour": "blue"}}),
    told("timezone", "Asia/Tokyo", headers={"Prefer": "timezone=Asia/Tokyo"}),
    told("transaction_read_only", "on"),
    told(
        "transaction_isolation",
        "repeatable read",
        setup=CAREFUL,
    ),
    Scenario(
        name="a function sees the headers, without cookies",
        request="GET /rest/v1/rpc/setting?name=request.headers",
        headers={"X-Mine": "yes", "Cookie": "secret=1"},
        status=200,
        contains=('\\"x-mine\\":\\"yes\\"',),
        lacks=("secret",),
    ),
    Scenario(
        name="a function sees the claims, and the role among them",
        request="GET /rest/v1/rpc/setting?name=request.jwt.claims",
        status=200,
        answer='{"role":"anon"}',
    ),
    Scenario(
        name="a function sees who asks",
        request="GET /rest/v1/rpc/setting?name=request.jwt.claims",
        who=Who.ADA,
        status=200,
        contains=(str(Who.ADA.value), '\\"role\\":\\"authenticated\\"'),
    ),
    Scenario(
        name="a time limit of a function counts from the beginning",
        request="POST /rest/v1/rpc/slow",
        status=200,
        answer="7s",
    ),
    Scenario(
        name="a function chooses its isolation", request="GET /rest/v1/rpc/strict", status=200, answer="serializable"
    ),
    Scenario(
        name="a time zone that is none",
        request="GET /rest/v1/people",
        headers={"Prefer": "timezone=Mars/Olympus"},
        status=400,
        contains=("22023", "TimeZone"),
    ),
    setup=ASKING,
)

test_pre_request = scenarios(
    told("app.noted", "GET /rpc/setting", shows={"x-noted": "yes"}, statements=2),
    told("app.noted", "GET /rpc/setting", settings={"pre_request": "public.note"}, who=Who.ADA),
    Scenario(
        name="it may refuse",
        request="POST /rest/v1/people",
        json={"name": "x"},
        headers={"X-Forbidden": "1"},
        status=401,
        contains=("42501", "not you"),
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="it may refuse in the native profile",
        request="GET /people",
        headers={"X-Forbidden": "1"},
        who=Who.ADA,
        status=403,
        contains=("not you",),
    ),
    setup=ASKING,
    settings={"pre_request": "note"},
)

test_what_is_not_there = scenarios(
    Scenario(
        name="a function to call first is no fault of the client",
        request="GET /people",
        settings={"pre_request": "nosuch.fn"},
        status=500,
        contains=('"code":"database"', "3F000", "It is not your fault"),
        lacks=("change the request",),
    ),
    Scenario(
        name="nor is it in production, which shows nothing of it",
        request="POST /people",
        json={"name": "x"},
        production=True,
        settings={"pre_request": "nosuch"},
        status=500,
        contains=('"code":"database"', "It is not your fault"),
        lacks=("nosuch",),
        leaves=(COUNT, 3),
    ),
    Scenario(
        name="PostgREST answers as for any function",
        request="GET /rest/v1/people",
        settings={"pre_request": "nosuch"},
        status=404,
        contains=("42883", "nosuch()"),
    ),
    Scenario(
        name="without the role of strangers a token helps",
        request="GET /people",
        settings={"anon_role": "nobody_here"},
        status=403,
        contains=("Send an access token", "anon_role"),
        lacks=("another role",),
    ),
    setup=PEOPLE,
)


def inserted(end: str, wish: str | None, left: int) -> Scenario:
    """A row inserted, and how many there are then."""
    applied = wish is not None and end.endswith("override")
    return Scenario(
        name=f"{end}, and the client wishes {wish}",
        request="POST /rest/v1/people?select=name",
        json={"name": "x"},
        headers={"Prefer": f"{ROWS}, tx={wish}" if wish else ROWS},
        settings={"tx_end": end},
        status=201,
        answer=[{"name": "x"}],
        shows={"preference-applied": f"{ROWS}, tx={wish}" if applied else ROWS},
        leaves=(COUNT, left),
    )


test_ends = scenarios(
    inserted("commit", None, 4),
    inserted("commit", "rollback", 4),
    inserted("commit-allow-override", None, 4),
    inserted("commit-allow-override", "rollback", 3),
    inserted("rollback", None, 3),
    inserted("rollback", "commit", 3),
    inserted("rollback-allow-override", "commit", 4),
    inserted("rollback-allow-override", "rollback", 3),
    setup=PEOPLE,
)

SCHEMAS = """
create schema other;
grant usage on schema other to anon;
create table other.thing (id int primary key);
insert into other.thing values (7);
""" + opened("other.thing")

test_other_settings = scenarios(
    Scenario(
        name="the default schema is the first",
        request="GET /rest/v1/thing",
        settings={"schemas": ("other", "public")},
        status=200,
        answer=[{"id": 7}],
        shows={"content-profile": "other"},
    ),
    Scenario(
        name="another schema by a header",
        request="GET /rest/v1/thing",
        headers={"Accept-Profile": "other"},
        settings={"schemas": ("public", "other")},
        status=200,
        answer=[{"id": 7}],
        shows={"content-profile": "other"},
    ),
    Scenario(
        name="no more rows than one answer may have",
        request="GET /rest/v1/people?select=id&order=id",
        headers={"Prefer": "count=exact"},
        settings={"max_rows": 2},
        status=206,
        answer=[{"id": 1}, {"id": 2}],
        shows={"content-range": "0-1/3"},
    ),
    Scenario(
        name="terse errors",
        request="GET /rest/v1/peopl",
        settings={"error_verbosity": "minimal"},
        status=404,
        answer={"code": "PGRST205", "message": "Could not find the table 'public.peopl' in the schema cache"},
    ),
    Scenario(
        name="no description of the API",
        request="GET /rest/v1/",
        settings={"openapi_mode": "disabled"},
        status=404,
        contains=("PGRST126", "Root endpoint metadata is disabled"),
    ),
    Scenario(
        name="a description of all there is",
        request="GET /rest/v1/",
        setup="revoke all on people from anon",
        settings={
            "openapi_mode": "ignore-privileges",
            "openapi_security": True,
            "openapi_url": "https://api.example/v1",
        },
        status=200,
        contains=(
            '"/people":',
            '"security":[{"JWT":[]}]',
            '"host":"api.example:443","basePath":"/v1","schemes":["https"]',
        ),
    ),
    Scenario(
        name="a function answers at the root",
        request="GET /rest/v1/",
        setup="create function root() returns json language sql stable as $$ select '{\"mine\":1}'::json $$",
        settings={"root_spec": "root"},
        status=200,
        answer={"mine": 1},
    ),
    Scenario(
        name="a header that comes back",
        request="GET /rest/v1/people",
        headers={"X-Trace": "17"},
        settings={"trace_header": "X-Trace"},
        status=200,
        shows={"x-trace": "17"},
    ),
    Scenario(
        name="no timing",
        request="GET /rest/v1/people",
        settings={"server_timing": False},
        status=200,
        shows={"server-timing": None},
    ),
    setup=PEOPLE + SCHEMAS,
)
