"""What a database must have before requests can be served, beside the schemas that migrations make: roles, memberships, time limits,
event triggers, extensions.

Roles belong to the whole cluster and are lost when a database is restored into another one, so each provision is looked at on every
start and made where it is not there. What an administrator has set otherwise is left alone.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pellucid.database.caller import ACCOUNTS_ROLE
from pellucid.database.capabilities import Feature
from pellucid.database.migrations import TABLE

REQUEST_ROLES = ("anon", "authenticated", "service_role")
"""The roles that requests run under. Others may join them."""

LOGIN = "authenticator"

LIMITS: Mapping[str, Mapping[str, str]] = {
    "anon": {"statement_timeout": "3s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"},
    "authenticated": {"statement_timeout": "8s", "lock_timeout": "4s", "idle_in_transaction_session_timeout": "20s"},
    "service_role": {"statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"},
    ACCOUNTS_ROLE: {"statement_timeout": "8s", "lock_timeout": "4s", "idle_in_transaction_session_timeout": "20s"},
    LOGIN: {"idle_in_transaction_session_timeout": "60s"},
}
"""How long a role may take. An administrator who wants no limit sets it to 0."""


TRIGGERS = """drop event trigger if exists pellucid_ddl; drop event trigger if exists pellucid_drop;
create event trigger pellucid_ddl on ddl_command_end execute function pellucid.tell_ddl();
create event trigger pellucid_drop on sql_drop execute function pellucid.tell_drop()"""


PLANS = tuple(
    f"auto_explain.{name}"
    for name in (
        "log_min_duration", "log_level", "log_format", "log_analyze", "log_buffers", "log_wal", "log_timing", "log_triggers",
        "log_verbose", "log_settings", "log_nested_statements",
    )
)  # fmt: skip
"""The settings of auto_explain that the role which logs in makes for itself, to be sent its plans (PostgreSQL, F.3)."""

PLANS_16 = ("auto_explain.log_parameter_max_length",)
"""Those that PostgreSQL 15 does not know."""

PRELOAD = """do $do$ begin execute 'alter database {database} set session_preload_libraries = ' || (
select string_agg(quote_literal(btrim(name, ' "')), ', ')
from unnest(string_to_array(current_setting('session_preload_libraries'), ',') || array['auto_explain']) as name); end $do$"""
"""What every session loads already stays; only a superuser may see it."""

HISTORY = """create unlogged table pellucid.statement_history (
taken timestamptz not null, role oid not null, query int8 not null, calls int8 not null, seconds float8 not null, rows int8 not null,
primary key (query, role, taken)); create index on pellucid.statement_history (taken)"""
"""What pg_stat_statements said, now and then. Nobody needs it after a crash, so it writes no log and burdens no replica."""


class Provision(Struct, frozen=True):
    """One thing: how to see whether it is there, the SQL that makes it, and what is off without it.

    ``own`` is False where only an administrator can decide; the SQL is then shown and not run.
    """

    what: str
    check: str
    sql: str
    off: tuple[Feature, ...] = ()
    own: bool = True


class Server(Struct, frozen=True):
    """What the SQL depends on: PostgreSQL's major version, the role that readies, and the database; both quoted."""

    major: int
    role: str
    database: str


def before_migrations(server: Server) -> list[Provision]:
    """Roles, who may take them, and their time limits."""
    data, accounts = (Feature.DATA_API, Feature.ACCOUNTS), (Feature.ACCOUNTS,)
    return [
        *(_role(role, "nologin", data) for role in REQUEST_ROLES),
        _role(ACCOUNTS_ROLE, "nologin", accounts),
        _role(LOGIN, "login", ()),
        _bypass(),
        _membership(server, REQUEST_ROLES, LOGIN, ()),
        _membership(server, (ACCOUNTS_ROLE,), LOGIN, ()),
        _membership(server, REQUEST_ROLES, server.role, data),
        _membership(server, (ACCOUNTS_ROLE,), server.role, accounts),
        *(_limits(role, settings) for role, settings in LIMITS.items()),
    ]


def to_see_the_version(server: Server) -> list[Provision]:
    """What it takes to see how far the migrations have come, where there were any."""
    return [
        Provision(
            "usage of the schema pellucid",
            "select coalesce((select has_schema_privilege(oid, 'USAGE') from pg_namespace where nspname = 'pellucid'), true)",
            f"grant usage on schema pellucid to {server.role}",
            (Feature.ACCOUNTS,),
        ),
        Provision(
            "leave to see the version of Pellucid's schemas",
            f"select coalesce((select has_table_privilege(c.oid, 'SELECT') {_table(TABLE)}), true)",
            f"grant select on pellucid.{TABLE} to {server.role}",
            (Feature.ACCOUNTS,),
        ),
    ]


def for_migrations(server: Server) -> list[Provision]:
    """What the migrations build on. The right to make schemas is not asked for where nothing is left to make."""
    return [
        Provision(
            "the right to create schemas",
            "select has_database_privilege(current_database(), 'CREATE') or (select count(*) = 2 from pg_namespace "
            f"where nspname = 'pellucid' or nspname = 'auth' and nspowner::regrole::text = '{ACCOUNTS_ROLE}')",
            f"grant create on database {server.database} to {server.role}",
            (Feature.ACCOUNTS,),
        ),
        Provision(
            "the schema pellucid",
            "select to_regnamespace('pellucid') is not null",
            f"create schema pellucid authorization {server.role}",
            (Feature.ACCOUNTS,),
        ),
        Provision(
            "the newest version of Pellucid's schemas",
            "select coalesce(bool_and(pg_has_role(owner, 'USAGE')), true) from (select nspowner from pg_namespace "
            f"where nspname = 'pellucid' union all select c.relowner {_table(TABLE)}) as owned(owner)",
            f"-- no SQL: start Pellucid once with the URL of an administrator, for {server.role} may not change them",
            (Feature.ACCOUNTS,),
            own=False,
        ),
        Provision(
            "a schema auth that is not somebody else's",
            f"select not exists (select from pg_namespace n where nspname = 'auth' and nspowner::regrole::text <> '{ACCOUNTS_ROLE}')",
            "alter schema auth rename to auth_of_others",
            (Feature.ACCOUNTS,),
            own=False,
        ),
    ]


def once() -> list[Provision]:
    """Rights that are given when a database is met for the first time, and never again: they may be taken back for good."""
    never = "select false"
    service = "alter default privileges in schema public grant all on {} to service_role"
    return [
        Provision("usage of the schema public", never, f"grant usage on schema public to {', '.join(REQUEST_ROLES)}"),
        *(
            Provision(f"default rights on {kind}", never, service.format(kind))
            for kind in ("tables", "sequences", "functions")
        ),
    ]


def after_migrations(server: Server, *, migrated: bool) -> list[Provision]:
    """Event triggers, extensions, and what shows plans.

    Args:
        server: what it is done on.
        migrated: whether the functions that the event triggers call are there.
    """
    return [
        Provision(
            "event triggers",
            "select count(*) = 2 from pg_event_trigger where evtname in ('pellucid_ddl', 'pellucid_drop')",
            TRIGGERS if migrated else "-- nothing yet: start again when the schema pellucid is there",
            (Feature.INSTANT_RELOAD,),
            own=migrated,
        ),
        _extension("pg_stat_statements", Feature.STATISTICS),
        _extension("pg_walinspect", Feature.WAL_INSPECTION),
        _extension("pageinspect", Feature.PAGES),
        _extension("pg_freespacemap", Feature.FREE_SPACE),
        Provision(
            "the table pellucid.statement_history",
            f"select exists (select {_table('statement_history')})",
            HISTORY,
            (Feature.HISTORY,),
        ),
        _preloaded(server),
        *(_settable(server, role) for role in dict.fromkeys((LOGIN, server.role))),
    ]


def _table(name: str) -> str:
    """From where one of Pellucid's own tables is looked up. ``to_regclass`` is an error for whoever may not use the schema."""
    return (
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        f"where n.nspname = 'pellucid' and c.relname = '{name}'"
    )


def _role(name: str, kind: str, off: tuple[Feature, ...]) -> Provision:
    check = f"select exists (select from pg_roles where rolname = '{name}')"
    return Provision(f"the role {name}", check, f"create role {name} {kind} noinherit", off)


def _bypass() -> Provision:
    check = "select coalesce((select rolbypassrls or rolsuper from pg_roles where rolname = 'service_role'), false)"
    return Provision("BYPASSRLS of service_role", check, "alter role service_role bypassrls", (Feature.BYPASS,))


def _membership(server: Server, roles: Sequence[str], member: str, off: tuple[Feature, ...]) -> Provision:
    """Let ``member`` take the roles, without having their rights before it does (NOINHERIT)."""
    right = "SET" if server.major >= 16 else "MEMBER"
    how = " with inherit false, set true" if server.major >= 16 else ""
    listed = ", ".join(f"'{role}'" for role in roles)
    check = (
        f"select count(*) = {len(roles)} from pg_roles r, pg_roles m "
        f"where r.rolname in ({listed}) and quote_ident(m.rolname) = '{member.replace(chr(39), chr(39) * 2)}' "
        f"and pg_has_role(m.oid, r.oid, '{right}')"
    )
    return Provision(
        f"leave for {member} to act as {', '.join(roles)}", check, f"grant {', '.join(roles)} to {member}{how}", off
    )


def _limits(role: str, settings: Mapping[str, str]) -> Provision:
    names = ", ".join(f"'{name}'" for name in settings)
    check = (
        "select count(distinct split_part(setting, '=', 1)) = "
        f"{len(settings)} from pg_db_role_setting s, pg_roles r, unnest(s.setconfig) as setting "
        f"where r.oid = s.setrole and r.rolname = '{role}' and split_part(setting, '=', 1) in ({names})"
    )
    sql = "; ".join(f"alter role {role} set {name} = '{value}'" for name, value in settings.items())
    return Provision(f"time limits of {role}", check, sql, () if role == LOGIN else (Feature.ROLE_TIMEOUTS,))


def _extension(name: str, off: Feature) -> Provision:
    check = f"select exists (select from pg_extension where extname = '{name}')"
    return Provision(f"the extension {name}", check, f"create extension {name} schema pellucid", (off,))


def _preloaded(server: Server) -> Provision:
    """auto_explain in the sessions that requests use. It is silent there until one of them asks. What is preloaded already stays."""
    check = (
        "select current_setting('auto_explain.log_min_duration', true) is not null or exists ("
        "select from pg_db_role_setting s, unnest(s.setconfig) as setting where s.setrole = 0 and s.setdatabase = "
        "(select oid from pg_database where datname = current_database()) and setting like 'session_preload_libraries=%auto_explain%')"
    )
    sql = PRELOAD.format(database=server.database.replace("'", "''"))
    return Provision("auto_explain in the sessions of requests", check, sql, (Feature.PLANS,), own=False)


def _settable(server: Server, role: str) -> Provision:
    """Leave to ask for plans (PostgreSQL 15: SET ON PARAMETER), for a role that is there."""
    names = (*PLANS, *PLANS_16) if server.major >= 16 else PLANS
    listed = ", ".join(f"('{name}')" for name in names)
    check = (
        "select coalesce(bool_and(has_parameter_privilege(r.oid, setting.name, 'SET')), true) "
        f"from pg_roles r, (values {listed}) as setting(name) where quote_ident(r.rolname) = '{role.replace(chr(39), chr(39) * 2)}'"
    )
    sql = f"grant set on parameter {', '.join(names)} to {role}"
    return Provision(f"leave for {role} to ask for plans", check, sql, (Feature.PLANS,))
