"""A small catalog, made by hand, for what needs no database."""

from types import MappingProxyType

from pellucid.database.catalog.model import Catalog, Column, Fill, Privilege, Table, TableName

ALL = frozenset(Privilege)


def table(
    name: str, *columns: Column, key: tuple[str, ...] = ("id",), policies: tuple[str, ...] = (), secured: bool = True
) -> Table:
    return Table(
        TableName("public", name),
        "table",
        MappingProxyType({column.name: column for column in columns}),
        primary_key=key,
        row_security=secured,
        policies=policies,
        privileges=MappingProxyType(
            {"anon": ALL, "reader": frozenset({Privilege.SELECT}), "writer": frozenset({Privilege.INSERT})}
        ),
    )


ID = Column("id", "bigint", "int8", cast="pg_catalog.int8", nullable=False, fill=Fill.IDENTITY)
PEOPLE = table(
    "people",
    ID,
    Column("name", "character varying(10)", "varchar", cast='pg_catalog."varchar"', nullable=False, max_length=10),
    Column("age", "bigint", "int8", cast="pg_catalog.int8"),
    Column("meta", "jsonb", "jsonb", cast="pg_catalog.jsonb"),
    Column("tags", "text[]", "text", array=True, cast="pg_catalog.text[]"),
    Column("mood", "public.mood", "mood", cast='"public"."mood"', enum=("happy", "sad")),
    Column(
        "made",
        "timestamp with time zone",
        "timestamptz",
        cast="pg_catalog.timestamptz",
        nullable=False,
        fill=Fill.DEFAULT,
    ),
    Column("twice", "bigint", "int8", cast="pg_catalog.int8", fill=Fill.ALWAYS),
)
SEATS = table(
    "seats",
    Column("row", "text", "text", nullable=False),
    Column("place", "integer", "int4", cast="pg_catalog.int4", nullable=False),
    Column("taken", "boolean", "bool", cast="pg_catalog.bool"),
    key=("row", "place"),
)
OPEN = table("open", ID, Column("name", "text", "text"), secured=False)
CATALOG = Catalog(
    ("public", "other"),
    MappingProxyType({each.name: each for each in (PEOPLE, SEATS, OPEN)}),
    MappingProxyType({}),
    frozenset({"anon", "reader", "writer"}),
    version=1,
)
