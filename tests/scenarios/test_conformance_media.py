"""Media types that PostgREST's reference shows and no other scenario proves."""

from functools import partial

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import PEOPLE, opened

answered = partial(Scenario, status=200, statements=1)
GEOJSON = {"Accept": "application/geo+json"}

REPORT = """
create domain "text/csv" as text;
create function report_row(state text, next people) returns "text/csv" language sql immutable
  as $$ select state || next.id || ';' || next.name || E'\\n' $$;
create function report_end(state "text/csv") returns "text/csv" language plpgsql as $$ begin
  perform set_config('response.headers', '[{"Content-Disposition": "attachment; filename=people.csv"}]', true);
  return U&'\\FEFF' || E'id;name\\n' || state; end $$;
create aggregate report (people) (sfunc = report_row, stype = "text/csv", initcond = '', finalfunc = report_end);
create domain "*/*" as bytea;
create view exported with (security_invoker = true) as select id, name from people;
grant select on exported to anon;
create function export_row(state "*/*", next exported) returns "*/*" language sql immutable
  as $$ select state || convert_to('<p>' || next.name || '</p>', 'UTF8') $$;
create function export_end(state "*/*") returns "*/*" language plpgsql as $$ declare
  wanted text := current_setting('request.headers', true)::json->>'accept'; begin
  if wanted not in ('*/*', 'text/html') then raise sqlstate 'PT415' using message = 'only HTML'; end if;
  perform set_config('response.headers', '[{"Content-Type": "text/html"}]', true); return state; end $$;
create aggregate export (exported) (sfunc = export_row, stype = "*/*", initcond = '', finalfunc = export_end);
"""

test_media = scenarios(
    answered(
        name="an aggregate in the place of CSV",
        request="GET /rest/v1/people?id=lt.3&order=id",
        headers={"Accept": "text/csv"},
        contains=("\ufeffid;name\n1;Ada\n2;Blaise\n",),
        shows={"content-type": "text/csv; charset=utf-8", "content-disposition": "attachment; filename=people.csv"},
    ),
    answered(
        name="an aggregate for whatever is accepted",
        request="GET /rest/v1/exported?id=eq.1",
        headers={"Accept": "text/html"},
        contains=("<p>Ada</p>",),
        shows={"content-type": "text/html"},
    ),
    answered(
        name="an aggregate that refuses what is accepted",
        request="GET /rest/v1/exported",
        headers={"Accept": "image/png"},
        status=415,
        contains=("PT415", "only HTML"),
    ),
    setup=PEOPLE + REPORT,
)

PLACES = """
set allow_system_table_mods = on;
insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
  values (99999, 'postgis', 10, 2200, false, '3');
reset allow_system_table_mods;
create function st_asgeojson(record) returns text language plpgsql stable as $$ begin return json_build_object(
  'type', 'Feature', 'geometry', row_to_json($1)->'spot', 'properties', json_build_object('id', row_to_json($1)->'id'))::text; end $$;
create table place (id int primary key, spot json);
insert into place values (1, '{"type": "Point", "coordinates": [1, 2]}');
""" + opened("place")

test_geojson = scenarios(
    answered(
        name="a collection of features, where PostGIS is there",
        setup=PLACES,
        request="GET /rest/v1/place",
        answer={
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {"id": 1}}
            ],
        },
        shows={"content-type": "application/geo+json; charset=utf-8"},
    ),
    answered(
        name="no such function where PostGIS is not",
        setup=PEOPLE,
        request="GET /rest/v1/people",
        status=404,
        contains=("42883", "function st_asgeojson(record) does not exist"),
        statements=None,
    ),
    headers=GEOJSON,
)
