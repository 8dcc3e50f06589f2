"""What a database must have before requests can be served, beside the schemas that migrations make: roles, memberships, time limits,
event triggers, extensions.

Roles belong to the whole cluster and are lost when a database is restored into another one, so each provision is looked at on every
start and made where it is not there. What an administrator has set otherwise is left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pellucid.database.caller import ACCOUNTS_ROLE
from pellucid.database.capabilities import Feature

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


@dataclass(frozen=True, slots=True)
class Provision:
    """One thing: how to see whether it is there, the SQL that makes it, and what is off without it.

    ``own`` is False where only an administrator can decide; the SQL is then shown and not run.
    """

    what: str
    check: str
    sql: str
    off: tuple[Feature, ...] = ()
    own: bool = True


@dataclass(frozen=True, slots=True)
class Server:
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


def for_migrations(server: Server) -> list[Provision]:
    """What the migrations build on."""
    return [
        Provision(
            "the right to create schemas",
            "select has_database_privilege(current_database(), 'CREATE')",
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


def after_migrations(*, migrated: bool) -> list[Provision]:
    """Event triggers and extensions.

    Args:
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
    ]


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
