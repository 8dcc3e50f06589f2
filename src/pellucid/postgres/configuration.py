"""PostgreSQL's configuration as Pellucid sets it (PostgreSQL, chapters 19 and 20)."""

import os
from pathlib import Path

from pellucid.postgres.account import Account, current_account
from pellucid.postgres.binaries import Binaries
from pellucid.postgres.files import read_file, write_file
from pellucid.postgres.placement import Placement

SUPERUSER = "postgres"
LOGIN = "authenticator"

_MEBIBYTE = 1 << 20
_INCLUDE = "include 'pellucid.conf'"

_YOURS = f"""# Yours to edit. What stands below the next line, or is set with ALTER SYSTEM, wins over Pellucid's own settings.
{_INCLUDE}
"""

_RULES = """# Written by Pellucid at every start. To use rules of your own, name another file in postgresql.conf (hba_file = '…').
# Only the account that runs Pellucid comes in through the socket, as any role (pg_ident.conf says so).
local  all          all                peer  map=pellucid
local  replication  all                peer  map=pellucid
"""

_TCP_RULES = """host   all          all  127.0.0.1/32  scram-sha-256
host   replication  all  127.0.0.1/32  scram-sha-256
"""


def configure(placement: Placement, binaries: Binaries, *, tcp: bool) -> None:
    """Write Pellucid's settings and access rules into the data directory; the user's `postgresql.conf` is kept."""
    data, account = placement.data, placement.account
    write_file(data / "pellucid.conf", render(settings(binaries)), owner=account)
    write_file(data / "pg_hba.conf", _RULES + (_TCP_RULES if tcp else ""), owner=account)
    write_file(data / "pg_ident.conf", identities(binaries.major), owner=account)
    _include(data / "postgresql.conf", account)


def write_user_configuration(data: Path, account: Account) -> None:
    """Lay down the `postgresql.conf` of a new data directory, which is the user's from then on."""
    write_file(data / "postgresql.conf", _YOURS, owner=account)


def _include(path: Path, account: Account) -> None:
    text = read_file(path) or ""
    if _INCLUDE not in text.splitlines():
        write_file(path, _YOURS + text, owner=account)


def settings(binaries: Binaries) -> dict[str, str]:
    """What Pellucid sets. Durability is as PostgreSQL means it: never weakened."""
    shared, cache = memory_sizes(available_memory())
    chosen = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "wal_level": "logical",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        "wal_log_hints": "on",
        "max_connections": "200",
        "superuser_reserved_connections": "5",
        "shared_buffers": f"{shared // _MEBIBYTE}MB",
        "effective_cache_size": f"{cache // _MEBIBYTE}MB",
        "jit": "off",
        "password_encryption": "scram-sha-256",
        "track_io_timing": "on",
        "track_wal_io_timing": "on",
        "timezone": "UTC",
        "datestyle": "iso, mdy",
        "default_text_search_config": "pg_catalog.english",
        "lc_messages": "C",
        "lc_monetary": "C",
        "lc_numeric": "C",
        "lc_time": "C",
        **_logging(),
    }
    if binaries.has_library("pg_stat_statements"):
        chosen["shared_preload_libraries"] = "pg_stat_statements"
    if binaries.has_library("auto_explain"):
        chosen["session_preload_libraries"] = "auto_explain"  # silent until a transaction asks for its plans
    return chosen


def _logging() -> dict[str, str]:
    """What goes to the log: what went wrong, without the statements and the values in them."""
    return {
        "log_destination": "stderr",
        "log_line_prefix": "%m [%p] ",
        "log_timezone": "UTC",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_lock_waits": "on",
    }


def enforced(sockets: Path, port: int, *, tcp: bool) -> list[str]:
    """The arguments for what must hold whatever the configuration files say: who can reach the server at all."""
    fixed = {
        "listen_addresses": "127.0.0.1" if tcp else "",
        "port": str(port),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
    }
    return [part for name, value in fixed.items() for part in ("-c", f"{name}={value}")]


def render(values: dict[str, str]) -> str:
    """The settings as a configuration file."""
    lines = [f"{name} = '{value}'" for name, value in values.items()]
    return "\n".join(["# Written by Pellucid at every start; edit postgresql.conf instead.", *lines, ""])


def identities(major: int) -> str:
    """The map for peer authentication: the account that runs Pellucid, and no other, may be any role.

    PostgreSQL 15 cannot say `all` here, so the two roles that Pellucid signs in as are named.
    """
    user = '"' + current_account().name.replace('"', '""') + '"'
    roles = ("all",) if major >= 16 else (SUPERUSER, LOGIN)
    return "".join(f"pellucid  {user}  {role}\n" for role in roles)


def available_memory() -> int:
    """Bytes of memory that this machine or container has."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = (read_file(Path(limit)) or "").strip()
        if text.isdecimal():
            physical = min(physical, int(text))
    return physical


def memory_sizes(available: int) -> tuple[int, int]:
    """Bytes for `shared_buffers` and `effective_cache_size`: modest, since other programs share the machine."""
    shared = min(max(available // 8, 64 * _MEBIBYTE), 512 * _MEBIBYTE)
    return shared, max(available // 2, shared)
