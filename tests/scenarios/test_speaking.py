"""What functions of the database say about the response, and what an address says about itself."""

from pellucid.version import VERSION
from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import PEOPLE

SPEAKING = (
    PEOPLE
    + """
create function says(name text, value text) returns text language sql volatile
  as 'select set_config(name, value, true)';
create function fails(message text, state text, detail text default '', hint text default '') returns int language plpgsql
  as $$ begin raise exception '%', message using errcode = state, detail = detail, hint = hint; end $$;
create function writes() returns int language sql volatile as $$ insert into city values (9, 'Rome') returning id $$;
"""
)

test_functions_that_speak = scenarios(
    Scenario(
        name="of the status",
        request="POST /rest/v1/rpc/says",
        json={"name": "response.status", "value": "418"},
        status=418,
        answer="418",
    ),
    Scenario(
        name="of headers, one of them twice",
        request="POST /rest/v1/rpc/says?select=",
        json={"name": "response.headers", "value": '[{"Vary":"X"},{"Set-Cookie":"a=1"},{"Set-Cookie":"b=2"}]'},
        status=200,
        shows={"vary": "X", "set-cookie": "a=1, b=2"},
    ),
    Scenario(
        name="of a status that is none",
        request="POST /rest/v1/rpc/says",
        json={"name": "response.status", "value": "teapot"},
        status=500,
        contains=("PGRST112", "response.status guc must be a valid status code"),
    ),
    *(
        Scenario(
            name=f"of headers that are none: {value}",
            request="POST /rest/v1/rpc/says",
            json={"name": "response.headers", "value": value},
            status=500,
            contains=("PGRST111",),
            shows={"x": None},
        )
        for value in ("no json", '{"X":"y"}', '[{"X":1}]', '[{"X":"a\\r\\nY: b"}]')
    ),
    Scenario(
        name="of the length, in vain",
        request="POST /rest/v1/rpc/says",
        json={"name": "response.headers", "value": '[{"Content-Length":"1"}]'},
        status=200,
        contains=("Content-Length",),
    ),
    Scenario(
        name="of a status by an error's code",
        request="POST /rest/v1/rpc/fails",
        json={"message": "Payment Required", "state": "PT402", "detail": "Quota exceeded", "hint": "Upgrade your plan"},
        status=402,
        answer={
            "code": "PT402",
            "details": "Quota exceeded",
            "hint": "Upgrade your plan",
            "message": "Payment Required",
        },
        shows={"proxy-status": "PostgREST; error=PT402"},
    ),
    Scenario(
        name="of the whole error",
        request="POST /rest/v1/rpc/fails",
        json={
            "message": '{"code":"123","message":"ABC","details":"DEF"}',
            "state": "PGRST",
            "detail": '{"status":332,"headers":{"X-Header":"str"}}',
        },
        status=332,
        answer={"code": "123", "details": "DEF", "hint": None, "message": "ABC"},
        shows={"x-header": "str"},
    ),
    Scenario(
        name="of the whole error, in a form that nobody knows",
        request="POST /rest/v1/rpc/fails",
        json={"message": '{"code":"123","message":"ABC"}', "state": "PGRST", "detail": '{"status":332}'},
        status=500,
        contains=("PGRST121", "Invalid JSON value for DETAIL"),
    ),
    Scenario(
        name="a write by GET",
        request="GET /rest/v1/rpc/writes",
        status=405,
        contains=("25006", "cannot execute INSERT in a read-only transaction"),
        leaves=("select count(*)::int from city", 2),
    ),
    setup=SPEAKING,
)

test_warnings = scenarios(
    Scenario(
        name="an embedded table by its name where it has an alias",
        request="GET /rest/v1/people?select=id,home:city(name)&city.name=eq.London&id=eq.1",
        status=200,
        answer=[{"id": 1, "home": {"name": "London"}}],
        shows={
            "warning": f'299 Pellucid/{VERSION} "Embedded resource was referenced by relation name even though it has an alias.'
            " This is deprecated and will stop working in a future release."
            ' Update `city` to `home` in query string filters, orders or limits."'
        },
    ),
    Scenario(
        name="an embedded table by its alias",
        request="GET /rest/v1/people?select=id,home:city(name)&home.name=eq.London&id=eq.1",
        status=200,
        shows={"warning": None},
    ),
    Scenario(
        name="an embedded table by its name where that is no more known",
        request="GET /rest/v1/people?select=id,home:city(name)&city.name=eq.London&id=eq.1",
        settings={"legacy_target_names": False},
        status=400,
        contains=("PGRST108", "Change 'city' to 'home'"),
    ),
    setup=PEOPLE,
)

test_methods = scenarios(
    *(
        Scenario(name=request, request=f"OPTIONS {request}", status=200, shows={"allow": allow}, statements=0)
        for request, allow in (
            ("/rest/v1/people", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
            ("/rest/v1/names", "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
            ("/rest/v1/counted", "OPTIONS,GET,HEAD"),
            ("/rest/v1/rpc/writes", "OPTIONS,POST"),
            ("/rest/v1/rpc/looks", "OPTIONS,GET,HEAD,POST"),
            ("/rest/v1/", "OPTIONS,GET,HEAD"),
            ("/people", "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
            ("/people/1", "OPTIONS,GET,HEAD,PUT,PATCH,DELETE"),
        )
    ),
    Scenario(name="of nothing", request="OPTIONS /rest/v1/nothing", status=404, contains=("PGRST205",)),
    setup=SPEAKING
    + """
create view names as select name from people;
create view counted as select count(*) from people;
grant select on names, counted to anon;
create function looks() returns int language sql stable as 'select 1';
""",
)

test_description = scenarios(
    Scenario(
        name="what the caller may use",
        request="GET /rest/v1/",
        setup="revoke all on city from anon",
        status=200,
        contains=('"swagger":"2.0"', '"/people":', "This is a Primary Key.<pk/>", '"/rpc/writes":'),
        lacks=('"/city":',),
        shows={"content-type": "application/openapi+json; charset=utf-8"},
    ),
    Scenario(
        name="no other form than JSON",
        request="GET /rest/v1/",
        headers={"Accept": "text/csv"},
        status=406,
    ),
    setup=SPEAKING,
)
