"""The ways from table to table that the catalog knows."""

import asyncpg
import pytest

from pellucid.database.catalog.build import build
from pellucid.database.catalog.look import look
from pellucid.database.catalog.model import Cardinality, Catalog, Relationship, TableName
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from tests.conftest import Clone

ARROWS = {
    Cardinality.ONE_TO_MANY: "<",
    Cardinality.MANY_TO_ONE: ">",
    Cardinality.ONE_TO_ONE: "=",
    Cardinality.MANY_TO_MANY: "<>",
}
TABLES = """
create table person (id int primary key, boss int references person, "Nick, {Name}" text);
create table passport (person int primary key references person);
create table locker (id int primary key, person int unique references person);
create table shop (city text, id int, primary key (city, id));
create table visit (
  id int primary key, seller int constraint sold references person, buyer int constraint bought references person,
  city text, shop int, constraint at_shop foreign key (city, shop) references shop (city, id)
);
create table tag (id int primary key);
create table person_tag (
  person int references person, tag int references tag, since date, primary key (person, tag, since)
);
create table loose (person int references person, tag int references tag);
create table sale (day date, id int, person int references person, primary key (day, id)) partition by range (day);
create table sale_2031 partition of sale for values from ('2031-01-01') to ('2032-01-01');
create table receipt (day date, sale int, foreign key (day, sale) references sale (day, id));
"""
PRIVATE = """
create schema private;
create schema beyond;
create table private.maker (id int primary key, name text);
create table private.part (id int primary key, maker int references private.maker, person int references person);
create table private.link (part int references private.part, tag int references tag, primary key (part, tag));
create view beyond.passed as select * from private.maker;
create view maker as select name, id as maker_id from beyond.passed where name <> '«1 2 3»';
create view part as select p.maker, p.person as "the {owner}", p.id, (select count(*) from private.link) from private.part p;
create materialized view link as select tag, part, 'a (b {c} d' as odd from private.link;
"""
VIEWS = """
create view everyone with (security_invoker = on) as select id as number, boss from person;
create view twice as select id, id as again, boss from person;
create view chained as select number from everyone;
create view joined as
  with s as (select * from shop) select s.id, v.buyer, s.city, v.id as visit from (select * from visit) v join s on true;
create view summed as select buyer, count(*) from visit group by buyer;
create view united as select id from person union select id from tag;
create view shifted as select id + 1 as id, boss from person;
create view half as select city from visit;
create rule no_op as on update to joined do instead select 1 as id;
"""
OTHER = """
create schema other;
create table other.thing (id int primary key, person int references person);
"""


@pytest.fixture
async def catalog(admin: asyncpg.Connection, clone: Clone) -> Catalog:
    await admin.execute(TABLES + PRIVATE + VIEWS + OTHER)
    options = DatabaseOptions(clone.dsn, schemas=("public", "other"), extra_search_path=("beyond", "nowhere"))
    async with Database(options) as database:
        return database.catalog


def ways(catalog: Catalog, origin: str, target: str) -> list[str]:
    """The relationships between two tables of public, in words: ``> fk a.b=c`` and ``<> junction``."""
    found = catalog.relationships.get(TableName("public", origin), ())
    return [spelt(each) for each in found if each.target.name == target]


def spelt(way: Relationship) -> str:
    if way.junction is not None:
        constraints = " ".join(way.junction.constraints)
        return f"<> {way.junction.table.name} {constraints} {pairs(way.junction.near)} {pairs(way.junction.far)}"
    owner = " owner" if way.owner else ""
    return f"{ARROWS[way.cardinality]} {way.constraint} {pairs(way.columns)}{owner}"


def pairs(columns: tuple[tuple[str, str], ...]) -> str:
    return ",".join(f"{near}={far}" for near, far in columns)


async def test_foreign_keys_lead_both_ways(catalog: Catalog) -> None:
    assert ways(catalog, "visit", "person") == ["> bought buyer=id owner", "> sold seller=id owner"]
    assert ways(catalog, "person", "visit") == ["< bought id=buyer", "< sold id=seller"]
    assert ways(catalog, "visit", "shop") == ["> at_shop city=city,shop=id owner"]
    assert ways(catalog, "shop", "visit") == ["< at_shop city=city,id=shop"]
    assert ways(catalog, "person", "person") == ["< person_boss_fkey id=boss", "> person_boss_fkey boss=id owner"]
    assert catalog.relationships[TableName("public", "person")][0].target.schema == "public"


async def test_a_unique_foreign_key_is_one_to_one(catalog: Catalog) -> None:
    assert ways(catalog, "passport", "person") == ["= passport_person_fkey person=id owner"]
    assert ways(catalog, "person", "passport") == ["= passport_person_fkey id=person"]
    assert ways(catalog, "locker", "person") == ["= locker_person_fkey person=id owner"]


async def test_junctions_need_both_keys_in_their_primary_key(catalog: Catalog) -> None:
    assert ways(catalog, "person", "tag") == [
        "<> person_tag person_tag_person_fkey person_tag_tag_fkey id=person tag=id"
    ]
    assert ways(catalog, "tag", "person") == [
        "<> person_tag person_tag_tag_fkey person_tag_person_fkey id=tag person=id"
    ]
    assert ways(catalog, "loose", "tag") == ["> loose_tag_fkey tag=id owner"]


async def test_partitions_have_none_of_their_own(catalog: Catalog) -> None:
    assert ways(catalog, "sale", "person") == ["> sale_person_fkey person=id owner"]
    assert ways(catalog, "receipt", "sale") == ["> receipt_day_sale_fkey day=day,sale=id owner"]
    names = {name.name for name in catalog.relationships}
    assert "sale_2031" not in names | {each.target.name for all_ in catalog.relationships.values() for each in all_}
    assert len(catalog.tables[TableName("public", "receipt")].foreign_keys) == 1


async def test_views_take_part_in_what_lies_under_them(catalog: Catalog) -> None:
    assert ways(catalog, "everyone", "person") == [
        "< person_boss_fkey number=boss",
        "> person_boss_fkey boss=id owner",
    ]
    assert ways(catalog, "everyone", "everyone") == [
        "< person_boss_fkey number=boss",
        "> person_boss_fkey boss=number owner",
    ]
    assert ways(catalog, "visit", "chained") == ["> bought buyer=number owner", "> sold seller=number owner"]
    assert ways(catalog, "everyone", "tag") == [
        "<> person_tag person_tag_person_fkey person_tag_tag_fkey number=person tag=id"
    ]
    assert ways(catalog, "passport", "everyone") == ["= passport_person_fkey person=number owner"]
    assert ways(catalog, "visit", "twice") == [
        "> bought buyer=again owner",
        "> bought buyer=id owner",
        "> sold seller=again owner",
        "> sold seller=id owner",
    ]


async def test_views_over_joins_and_subqueries_do_too_and_made_up_columns_do_not(catalog: Catalog) -> None:
    assert ways(catalog, "visit", "joined") == ["> at_shop city=city,shop=id owner"]
    assert ways(catalog, "joined", "person") == ["> bought buyer=id owner"]
    assert ways(catalog, "joined", "shop") == []
    assert ways(catalog, "summed", "person") == ["> bought buyer=id owner"]
    assert ways(catalog, "united", "person") == ways(catalog, "half", "shop") == []
    assert ways(catalog, "shifted", "person") == ["> person_boss_fkey boss=id owner"]


async def test_tables_that_are_not_exposed_are_seen_through_views(catalog: Catalog) -> None:
    assert ways(catalog, "part", "maker") == ["> part_maker_fkey maker=maker_id owner"]
    assert ways(catalog, "maker", "part") == ["< part_maker_fkey maker_id=maker"]
    assert ways(catalog, "part", "person") == ["> part_person_fkey the {owner}=id owner"]
    assert ways(catalog, "part", "tag") == ["<> link link_part_fkey link_tag_fkey id=part tag=id"]
    assert {name.name for name in catalog.tables if name.schema == "public"}.isdisjoint({"passed", "private"})


async def test_the_two_ends_lie_in_the_same_schema(catalog: Catalog) -> None:
    assert TableName("other", "thing") not in catalog.relationships
    assert ways(catalog, "person", "thing") == []
    foreign = catalog.tables[TableName("other", "thing")].foreign_keys
    assert [(key.target, key.target_columns) for key in foreign] == [(TableName("public", "person"), ("id",))]


async def test_views_show_the_primary_keys_of_their_tables(catalog: Catalog) -> None:
    keys = {
        name.name: table.primary_key for name, table in catalog.tables.items() if table.kind in ("view", "materialized")
    }
    assert keys == {
        "everyone": ("number",),
        "twice": ("id",),
        "chained": ("number",),
        "joined": ("city", "id", "visit"),
        "maker": ("maker_id",),
        "part": ("id",),
        "link": ("part", "tag"),
        "summed": (),
        "united": (),
        "shifted": (),
        "half": (),
    }


async def test_a_partition_and_a_table_elsewhere_can_be_pointed_at(
    admin: asyncpg.Connection, database: Database
) -> None:
    await admin.execute(
        "create schema away; create table away.far (a int, b int, primary key (b, a)); "
        "create table near (x int, y int, foreign key (x, y) references away.far (a, b)); "
        "create table whole (id int primary key) partition by range (id); "
        "create table piece partition of whole for values from (0) to (9); "
        "create table bit (id int references piece)"
    )
    catalog = await database.refresh()
    targets = {
        key.target: key.target_columns
        for name in ("near", "bit")
        if (t := catalog.table("public", name))
        for key in t.foreign_keys
    }
    assert targets == {TableName("away", "far"): ("a", "b"), TableName("public", "piece"): ("id",)}
    assert catalog.relationships == {}


async def test_many_tables_cost_no_more_queries_than_few(admin: asyncpg.Connection, clone: Clone) -> None:
    asked: list[str] = []
    connection = await asyncpg.connect(clone.dsn)
    connection.add_query_logger(lambda query: asked.append(query.query))
    counts = []
    for first, last in ((0, 1), (2, 3), (4, 200)):
        await admin.execute(
            f"do $$ begin for i in {first}..{last} loop execute "
            "format('create table t%s (id int primary key, t int references t%s)', i, greatest(i - 1, 0)); end loop; end $$"
        )
        asked.clear()
        found = await look(connection, ("public",))
        counts.append(len(asked))
    await connection.close()
    assert counts[1] == counts[2], counts  # at first the driver asks for types as well
    catalog = build(found, ("public",), ("public",), 1)
    assert ways(catalog, "t100", "t99") == ["> t100_t_fkey t=id owner"]
    assert sum(map(len, catalog.relationships.values())) == 2 * 201
