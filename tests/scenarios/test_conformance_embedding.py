"""What PostgREST's reference says of related tables and no other scenario proves: each in one statement."""

from functools import partial

from pellucid.version import VERSION
from tests.scenarios.observatory import OBSERVATORY
from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario

answered = partial(Scenario, status=200, statements=1)
WARNING = (
    f'299 Pellucid/{VERSION} "Embedded resource was referenced by relation name even though it has an alias. This is'
    " deprecated and will stop working in a future release. Update `night` to `watches` in query string filters, orders"
    ' or limits."'
)

test_kinds = scenarios(
    answered(
        name="one to one by a unique key",
        request="GET /rest/v1/observatory?select=name,licence(code)&id=lte.2&order=id",
        answer=[{"name": "North", "licence": {"code": "N-1"}}, {"name": "South", "licence": None}],
    ),
    answered(
        name="many to many by a key with a column more",
        request="GET /rest/v1/star?select=name,atlas(title)&atlas.order=title&order=id",
        answer=[
            {"name": "Vega", "atlas": [{"title": "Charts"}, {"title": "Skies"}]},
            {"name": "Mira", "atlas": [{"title": "Skies"}]},
        ],
    ),
    answered(
        name="a function to one and a function to many",
        request="GET /rest/v1/comet?select=name,finder(name,finds(name))",
        answer=[{"name": "Hale", "finder": {"name": "Caroline", "finds": [{"name": "Hale"}]}}],
    ),
    answered(
        name="a function in the place of a foreign key",
        setup="""create function mountain(observatory) returns setof mountain rows 1 stable language sql as
          $$ select * from mountain where id = $1.mountain and height > 3000 $$;""",
        request="GET /rest/v1/observatory?select=name,mountain(name)&id=lte.2&order=id",
        answer=[{"name": "North", "mountain": None}, {"name": "South", "mountain": {"name": "Mauna"}}],
    ),
    answered(
        name="two foreign keys, each under a name of its own",
        request="GET /rest/v1/parcel?select=content,origin:observatory!sender(name),aim:observatory!receiver(name)&id=eq.1",
        answer=[{"content": "lens", "origin": {"name": "North"}, "aim": {"name": "South"}}],
    ),
    answered(
        name="two foreign keys from the other end",
        request="GET /rest/v1/observatory?select=name,sent:parcel!sender(content),got:parcel!receiver(content)&id=eq.1",
        answer=[{"name": "North", "sent": [{"content": "lens"}], "got": [{"content": "mirror"}]}],
    ),
    answered(
        name="a foreign key by its column",
        request="GET /rest/v1/parcel?select=content,observatory!sent_to(name)&id=eq.1",
        answer=[{"content": "lens", "observatory": {"name": "South"}}],
    ),
    answered(
        name="two foreign keys and none of them named",
        request="GET /rest/v1/parcel?select=content,observatory(name)",
        status=300,
        statements=0,
        answer={
            "code": "PGRST201",
            "details": [
                {
                    "cardinality": "many-to-one",
                    "embedding": "parcel with observatory",
                    "relationship": f"{key} using parcel({column}) and observatory(id)",
                }
                for key, column in (("receiver", "sent_to"), ("sender", "sent_from"))
            ],
            "hint": "Try changing 'observatory' to one of the following: 'observatory!receiver', 'observatory!sender'. "
            "Find the desired relationship in the 'details' key.",
            "message": "Could not embed because more than one relationship was found for 'parcel' and 'observatory'",
        },
    ),
    answered(
        name="a table and itself, one to one, both ways",
        request="GET /rest/v1/director?select=name,forerunner_of(name),heir(name)&id=eq.2",
        answer=[{"name": "Second", "forerunner_of": {"name": "First"}, "heir": {"name": "Third"}}],
    ),
    answered(
        name="a table and itself, many to many, both ways",
        request="GET /rest/v1/astronomer?select=name,readers(name),writers(name)&id=eq.2&writers.order=id",
        answer=[
            {
                "name": "Johannes",
                "readers": [{"name": "Caroline"}],
                "writers": [{"name": "Tycho"}, {"name": "Caroline"}],
            }
        ],
    ),
    answered(
        name="a partitioned table",
        request="GET /rest/v1/reading?select=day,observatory(name)&value=gte.8",
        answer=[{"day": "2024-03-02", "observatory": {"name": "South"}}],
    ),
    answered(
        name="a partition is no table of its own",
        setup="grant select on reading_2024 to anon;",
        request="GET /rest/v1/observatory?select=name,reading_2024(day)",
        status=400,
        statements=0,
        contains=("PGRST200", "'observatory' and 'reading_2024'"),
    ),
    answered(
        name="a view of a join, to one, to many and through a table between",
        request="GET /rest/v1/duty?select=place,observatory!night_observatory_fkey(licence(code)),astronomer(name)"
        "&hours=eq.5&astronomer.order=id",
        answer=[
            {
                "place": "North",
                "observatory": {"licence": {"code": "N-1"}},
                "astronomer": [{"name": "Tycho"}, {"name": "Johannes"}],
            }
        ],
    ),
    answered(
        name="a view of a view",
        request="GET /rest/v1/duty_again?select=hours,observatory!night_observatory_fkey(name)&hours=gt.5",
        answer=[{"hours": 8, "observatory": {"name": "South"}}],
    ),
    answered(
        name="a materialized view",
        request="GET /rest/v1/sites?select=name,mountain(name)&id=eq.2",
        answer=[{"name": "South", "mountain": {"name": "Mauna"}}],
    ),
    answered(
        name="a view of a union has no relationships",
        request="GET /rest/v1/everything?select=id,observatory(name)",
        status=400,
        statements=0,
        contains=("PGRST200", "'everything' and 'observatory'"),
    ),
    answered(
        name="what a function returns",
        request="GET /rest/v1/rpc/high_sites?above=3000&select=name,mountain(name)&name=like.S*",
        answer=[{"name": "South", "mountain": {"name": "Mauna"}}],
    ),
    answered(
        name="rows of the table between, and what lies behind it",
        request="GET /rest/v1/observatory?select=name,night(hours,astronomer(name))&night.order=hours&id=eq.1",
        answer=[
            {
                "name": "North",
                "night": [
                    {"hours": 3, "astronomer": {"name": "Johannes"}},
                    {"hours": 5, "astronomer": {"name": "Tycho"}},
                ],
            }
        ],
    ),
    setup=OBSERVATORY,
)

test_conditions = scenarios(
    answered(
        name="a filter inside leaves the rows outside",
        request="GET /rest/v1/observatory?select=name,astronomer(name)&astronomer.name=eq.Caroline&order=id",
        answer=[
            {"name": "North", "astronomer": []},
            {"name": "South", "astronomer": [{"name": "Caroline"}]},
            {"name": "Cellar", "astronomer": []},
        ],
    ),
    answered(
        name="inner and not null find the same rows",
        request="GET /rest/v1/observatory?select=name,astronomer(name)&astronomer.name=eq.Caroline&astronomer=not.is.null",
        answer=[{"name": "South", "astronomer": [{"name": "Caroline"}]}],
    ),
    answered(
        name="one table twice, filtered by its names",
        request="GET /rest/v1/observatory?select=long:night(hours),short:night(hours)&long.hours=gt.4&short.hours=lt.4&id=eq.1",
        answer=[{"long": [{"hours": 5}], "short": [{"hours": 3}]}],
    ),
    answered(
        name="a filter and an order two deep",
        request="GET /rest/v1/observatory?select=id,night(hours,astronomer(name))&night.astronomer.name=like.T*&night.order=hours&id=eq.1",
        answer=[{"id": 1, "night": [{"hours": 3, "astronomer": None}, {"hours": 5, "astronomer": {"name": "Tycho"}}]}],
    ),
    answered(
        name="a limit and an offset inside",
        request="GET /rest/v1/observatory?select=id,night(hours)&night.order=hours&night.limit=1&night.offset=1&id=eq.1",
        answer=[{"id": 1, "night": [{"hours": 5}]}],
    ),
    answered(
        name="either of two tables is missing",
        request="GET /rest/v1/observatory?select=name,licence(code),mountain(name)&or=(licence.is.null,mountain.is.null)&order=id",
        answer=[
            {"name": "South", "licence": None, "mountain": {"name": "Mauna"}},
            {"name": "Cellar", "licence": None, "mountain": None},
        ],
    ),
    answered(
        name="an empty one to filter by, and a whole one to show",
        request="GET /rest/v1/observatory?select=name,by:astronomer(),astronomer(name)&by.name=eq.Tycho&by=not.is.null&astronomer.order=id",
        answer=[{"name": "North", "astronomer": [{"name": "Tycho"}, {"name": "Johannes"}]}],
    ),
    answered(
        name="the order of rows by a column of their one",
        request="GET /rest/v1/observatory?select=name,mountain(height)&order=mountain(height).desc.nullslast",
        answer=[
            {"name": "South", "mountain": {"height": 4200}},
            {"name": "North", "mountain": {"height": 2300}},
            {"name": "Cellar", "mountain": None},
        ],
    ),
    answered(
        name="the order of rows by a column of their many",
        request="GET /rest/v1/observatory?select=name,night(hours)&order=night(hours)",
        status=400,
        statements=0,
        contains=("PGRST118",),
    ),
    answered(
        name="a filter for a table that is not selected",
        request="GET /rest/v1/observatory?select=name&night.hours=eq.1",
        status=400,
        statements=0,
        contains=("PGRST108",),
    ),
    answered(
        name="another comparison with a table than null",
        request="GET /rest/v1/observatory?select=name,night(hours)&night=eq.1",
        status=400,
        statements=0,
        contains=("PGRST120",),
    ),
    answered(
        name="the name behind an alias warns, and still works",
        request="GET /rest/v1/observatory?select=id,watches:night(hours)&night.hours=gt.4&id=eq.1",
        answer=[{"id": 1, "watches": [{"hours": 5}]}],
        shows={"warning": WARNING},
    ),
    answered(
        name="the name behind an alias, where it is switched off",
        request="GET /rest/v1/observatory?select=id,watches:night(hours)&night.hours=gt.4&id=eq.1",
        settings={"legacy_target_names": False},
        status=400,
        statements=0,
        contains=("PGRST108",),
    ),
    setup=OBSERVATORY,
)

test_spreads = scenarios(
    answered(
        name="names twice are there twice",
        request="GET /rest/v1/observatory?select=id,name,...mountain(id,name)&id=eq.2",
        contains=('[{"id":2,"name":"South","id":2,"name":"Mauna"}]',),
    ),
    answered(
        name="lists in an order",
        request="GET /rest/v1/observatory?select=name,...night(hours:hours,who:astronomer)&night.order=hours.desc&id=eq.1",
        answer=[{"name": "North", "hours": [5, 3], "who": [1, 2]}],
    ),
    answered(
        name="spreads in spreads",
        request="GET /rest/v1/mountain?select=name,...observatory(sites:name,...dome(domes:metres),...night(hours:hours))"
        "&observatory.order=id&observatory.night.order=hours&id=eq.1",
        answer=[{"name": "Pico", "sites": ["North"], "domes": [10.5], "hours": [[3, 5]]}],
    ),
    answered(
        name="the columns of a table between, and of the one behind it",
        request="GET /rest/v1/observatory?select=name,people:night(hours,...astronomer(name))&id=eq.2",
        answer=[{"name": "South", "people": [{"hours": 8, "name": "Caroline"}]}],
    ),
    answered(
        name="groups by an embedded row",
        request="GET /rest/v1/night?select=hours.sum(),observatory(name)",
        settings={"aggregates": True},
        contains=('{"sum":8,"observatory":{"name": "North"}}', '{"sum":8,"observatory":{"name": "South"}}'),
    ),
    answered(
        name="groups inside an embedded table",
        request="GET /rest/v1/observatory?select=name,night(hours.max(),count())&id=eq.1",
        settings={"aggregates": True},
        answer=[{"name": "North", "night": [{"max": 5, "count": 2}]}],
    ),
    setup=OBSERVATORY,
)

test_production = scenarios(
    answered(
        name="a view with the rights of its caller is served",
        request="GET /rest/v1/duty?select=hours&hours=gt.5",
        answer=[{"hours": 8}],
    ),
    answered(
        name="a view with the rights of its owner is not",
        setup="create view open_duty as select * from night; grant select on open_duty to anon;",
        request="GET /rest/v1/open_duty",
        status=404,
        statements=0,
        contains=("PGRST205",),
    ),
    answered(
        name="nor is a materialized view",
        request="GET /rest/v1/sites",
        status=404,
        statements=0,
        contains=("PGRST205",),
    ),
    setup=OBSERVATORY,
    production=True,
)
