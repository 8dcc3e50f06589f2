"""What `pellucid.policy.survey` found in a database, as frozen values. Everything that judges it is pure and needs no more."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from pellucid.database.catalog.model import Catalog, Privilege, Table, TableName

PUBLIC = "public"
"""Everybody, as a grantee and as the role of a policy."""


class Scope(Struct, frozen=True):
    """Which part of a database is looked at, and as whose server.

    ``login`` is the role that requests start from; None means the one that looks. ``anon`` is the role of requests without a token.
    ``beyond`` are schemas whose tables are looked at although they are not exposed, ``searched`` those in which names are looked for
    behind them.
    """

    schemas: tuple[str, ...] = ("public",)
    login: str | None = None
    anon: str = "anon"
    beyond: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()


class Role(Struct, frozen=True):
    """A role that requests may take, or that they start from. ``held`` are the roles whose rights it has, itself included; ``powers``
    those among the others that no request should have: superusers, and PostgreSQL's own for files, programs and all data."""

    name: str
    superuser: bool = False
    bypass: bool = False
    held: frozenset[str] = frozenset()
    powers: tuple[str, ...] = ()

    @property
    def unbound(self) -> bool:
        """Whether no row level security holds it."""
        return self.superuser or self.bypass


class Policy(Struct, frozen=True):
    """A policy (PostgreSQL, CREATE POLICY). ``using`` and ``check`` are SQL as PostgreSQL prints it; None where it has none."""

    name: str
    commands: frozenset[Privilege]
    roles: tuple[str, ...]
    permissive: bool = True
    using: str | None = None
    check: str | None = None

    def picks(self, command: Privilege) -> str | None:
        """The condition that says which rows a command may be about: new ones for INSERT, those that are there for all others.

        WITH CHECK falls back on USING.
        """
        if command is not Privilege.INSERT or self.check is None:
            return self.using
        return self.check


class Grant(Struct, frozen=True):
    """A right given to somebody on a table, or on one of its columns."""

    grantee: str
    privilege: Privilege
    column: str | None = None


class Guard(Struct, frozen=True):
    """What stands before a table beside what the catalog knows. ``reads`` tells of a view which tables lie under it, and whether
    row level security is on there. ``indexed`` lists its whole indexes by their columns."""

    owner: str
    forced: bool = False
    policies: tuple[Policy, ...] = ()
    grants: tuple[Grant, ...] = ()
    reads: Mapping[TableName, bool] = field(default_factory=lambda: MappingProxyType({}))
    indexed: tuple[tuple[str, ...], ...] = ()


class Routine(Struct, frozen=True):
    """A function. ``arguments`` tell overloaded ones apart; ``path`` is the search path it sets; ``fixed`` tells that its names were
    resolved when it was made; ``executable_by`` are the roles of requests that may run it; ``exposed`` tells that they can call it by
    its name in the API, as none can a trigger's function."""

    name: TableName
    arguments: str
    owner: str
    language: str = "sql"
    definer: bool = False
    path: str | None = None
    fixed: bool = False
    executable_by: tuple[str, ...] = ()
    exposed: bool = True
    extension: str | None = None


class Sequence(Struct, frozen=True):
    """A sequence of an exposed schema. ``serves`` is the table and the column whose default takes from it."""

    name: TableName
    serves: tuple[TableName, str] | None = None
    identity: bool = False
    usable_by: tuple[str, ...] = ()
    writable_by: tuple[str, ...] = ()


class Extension(Struct, frozen=True):
    """An extension that lives in an exposed schema."""

    name: str
    schema: str
    movable: bool


class Future(Struct, frozen=True):
    """What ``ALTER DEFAULT PRIVILEGES`` gives on tables that ``owner`` will make; in every schema where that is None."""

    owner: str
    schema: str | None
    grantee: str


class Facts(Struct, frozen=True):
    """Everything there is to judge.

    ``creators`` are the roles that may make things, by exposed or searched schema; ``usable`` pairs a schema with a role that may use
    it. ``accounts`` tells that ``auth.uid()`` is there.
    """

    scope: Scope
    catalog: Catalog
    roles: Mapping[str, Role]
    login: Role
    guards: Mapping[TableName, Guard]
    routines: tuple[Routine, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    extensions: tuple[Extension, ...] = ()
    futures: tuple[Future, ...] = ()
    creators: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    usable: frozenset[tuple[str, str]] = frozenset()
    accounts: bool = True

    @property
    def tables(self) -> tuple[Table, ...]:
        """The exposed tables and views."""
        return tuple(table for table in self.catalog.tables.values() if table.name.schema in self.scope.schemas)

    @property
    def bound(self) -> tuple[Role, ...]:
        """The roles of requests that row level security holds."""
        return tuple(role for role in self.roles.values() if not role.unbound)
