"""Reads who may do what off a database. It changes nothing."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import asyncpg

from pellucid.database.catalog.build import build
from pellucid.database.catalog.found import Row
from pellucid.database.catalog.look import look
from pellucid.database.catalog.model import Catalog, Privilege, TableName
from pellucid.database.driver import connect
from pellucid.database.place import unreachable
from pellucid.errors import StartupError
from pellucid.policy import queries
from pellucid.policy.facts import Extension, Facts, Future, Grant, Guard, Policy, Role, Routine, Scope, Sequence
from pellucid.policy.quoting import name

_COMMANDS: Mapping[str, frozenset[Privilege]] = MappingProxyType(
    {"*": frozenset(Privilege)}
    | {
        "r": frozenset({Privilege.SELECT}),
        "a": frozenset({Privilege.INSERT}),
        "w": frozenset({Privilege.UPDATE}),
        "d": frozenset({Privilege.DELETE}),
    }
)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for looking and for changing rules. Its search path is pinned, so names come out with their schema.

    Raises:
        StartupError: the database cannot be reached, or PostgreSQL refuses something.
    """
    try:
        connection = await connect(dsn, application_name="pellucid policy", within=10.0)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as fault:
        raise unreachable(dsn, fault) from fault
    try:
        yield connection
    except asyncpg.PostgresError as fault:
        reason = str(fault).partition("\n")[0]
        raise StartupError(
            f"PostgreSQL refused: {reason}",
            hint="pellucid serve readies a database: start it once, or give its owner's URL",
        ) from fault
    finally:
        connection.terminate()


async def survey(connection: asyncpg.Connection, scope: Scope) -> Facts:
    """Look at everything that decides who may do what.

    Args:
        connection: from `opened`; idle.
        scope: the part to look at.

    Raises:
        StartupError: an exposed schema is not there.
    """
    await _check_schemas(connection, scope)
    within = list(dict.fromkeys((*scope.schemas, *scope.beyond)))
    catalog = await _catalog(connection, scope, tuple(within))
    login = scope.login or await connection.fetchval("select current_user::text")
    roles = {row["name"]: _role(row) for row in await connection.fetch(queries.ROLES, [*catalog.roles, login])}
    taken = {each: role for each, role in roles.items() if each in catalog.roles}
    schemas = await connection.fetch(queries.SCHEMAS, [*within, *scope.searched], list(taken))
    return Facts(
        scope=scope,
        catalog=catalog,
        roles=MappingProxyType(taken),
        login=roles.get(login, Role(login)),
        guards=MappingProxyType(await _guards(connection, within)),
        routines=tuple(map(_routine, await connection.fetch(queries.ROUTINES, list(scope.schemas), list(taken)))),
        sequences=tuple(map(_sequence, await connection.fetch(queries.SEQUENCES, within, list(taken)))),
        extensions=tuple(_extension(row) for row in await connection.fetch(queries.EXTENSIONS, list(scope.schemas))),
        futures=tuple(
            _future(row) for row in await connection.fetch(queries.FUTURES, list(scope.schemas), list(taken))
        ),
        creators=MappingProxyType(_creators(row for row in schemas if row["schema"] not in scope.beyond)),
        usable=frozenset((row["schema"], row["role"]) for row in schemas if row["usable"]),
        accounts=await connection.fetchval(queries.ACCOUNTS),
    )


async def _check_schemas(connection: asyncpg.Connection, scope: Scope) -> None:
    """Looking at nothing would find nothing, and sound like good news."""
    known = await connection.fetchval(queries.KNOWN)
    for schema in scope.schemas:
        if schema not in known:
            raise StartupError(
                f'the database has no schema "{schema}"',
                hint=f"create it, or leave {schema} out of the setting schemas",
            )


async def _catalog(connection: asyncpg.Connection, scope: Scope, within: tuple[str, ...]) -> Catalog:
    """What requests may do is seen with the eyes of the role that they start from."""
    if scope.login is not None:
        await connection.execute(f"set role {name(scope.login)}")
    try:
        found = await look(connection, within, ())
    finally:
        await connection.execute("reset role")
    return build(found, scope.schemas, (), 1)


async def _guards(connection: asyncpg.Connection, within: list[str]) -> dict[TableName, Guard]:
    policies = _grouped(await connection.fetch(queries.POLICIES, within), "table")
    grants = _grouped(await connection.fetch(queries.GRANTS, within), "table")
    beneath = _grouped(await connection.fetch(queries.BENEATH, within), "view")
    indexes = _grouped(await connection.fetch(queries.INDEXES, within), "table")
    guards: dict[TableName, Guard] = {}
    for row in await connection.fetch(queries.TABLES, within):
        table = TableName(row["schema"], row["name"])
        reads = {TableName(each["table_schema"], each["table"]): each["row_security"] for each in beneath[table]}
        guards[table] = Guard(
            owner=row["owner"],
            forced=row["forced"],
            policies=tuple(_policy(each) for each in policies[table]),
            grants=tuple(
                Grant(each["grantee"], Privilege(each["privilege"]), each["column"]) for each in grants[table]
            ),
            reads=MappingProxyType(reads),
            indexed=tuple(tuple(each["columns"]) for each in indexes[table]),
        )
    return guards


def _grouped(rows: Iterable[Row], key: str) -> Mapping[TableName, list[Row]]:
    grouped: dict[TableName, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[TableName(row["schema"], row[key])].append(row)
    return grouped


def _role(row: Row) -> Role:
    return Role(row["name"], row["superuser"], row["bypass"], frozenset(row["held"]), tuple(row["powers"]))


def _policy(row: Row) -> Policy:
    return Policy(
        row["name"], _COMMANDS[row["command"]], tuple(row["roles"]), row["permissive"], row["using"], row["check"]
    )


def _routine(row: Row) -> Routine:
    return Routine(
        name=TableName(row["schema"], row["name"]),
        arguments=row["arguments"],
        owner=row["owner"],
        language=row["language"],
        definer=row["definer"],
        path=row["path"],
        fixed=row["fixed"],
        executable_by=tuple(row["executable_by"]),
        exposed=row["exposed"],
        extension=row["extension"],
    )


def _sequence(row: Row) -> Sequence:
    return Sequence(
        name=TableName(row["schema"], row["name"]),
        serves=(TableName(row["table_schema"], row["table"]), row["column"]) if row["table"] else None,
        identity=row["identity"],
        usable_by=tuple(row["usable_by"]),
        writable_by=tuple(row["writable_by"]),
    )


def _extension(row: Row) -> Extension:
    return Extension(row["name"], row["schema"], row["movable"])


def _future(row: Row) -> Future:
    return Future(row["owner"], row["schema"], row["grantee"])


def _creators(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    creators: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row["creator"]:
            creators[row["schema"]] = (*creators.get(row["schema"], ()), row["role"])
    return creators
