"""Making a data directory: all of it or nothing (PostgreSQL, initdb)."""

import locale
import shutil
from pathlib import Path

from pellucid.errors import StartupError
from pellucid.postgres.account import Account
from pellucid.postgres.binaries import Binaries
from pellucid.postgres.configuration import SUPERUSER, write_user_configuration
from pellucid.postgres.directory import OWNER_ONLY
from pellucid.postgres.files import read_file, sync_directory

_UNICODE = "C.UTF-8"


def data_version(data: Path) -> int | None:
    """The major version that a data directory was made by; None where there is none yet, or an empty one.

    Raises:
        StartupError: something else is there.
    """
    version = (read_file(data / "PG_VERSION") or "").strip()
    if version.isdecimal():
        return int(version)
    if not data.exists() or (data.is_dir() and not any(data.iterdir())):
        return None
    raise StartupError(
        f"{data} is no PostgreSQL data directory: its PG_VERSION is missing or cannot be read.",
        hint="Restore it from a backup, or move it away to start afresh.",
    )


def initialise(binaries: Binaries, account: Account, data: Path) -> None:
    """Make the data directory under another name beside its place, then rename it: half of one is never taken for a whole.

    Raises:
        StartupError: initdb failed; the text says why.
    """
    fresh = data.with_name(f"{data.name}.new")
    try:
        _empty(fresh, account)
        _initdb(binaries, account, fresh)
        write_user_configuration(fresh, account)
        fresh.rename(data)  # also over an empty directory
        sync_directory(data.parent)
    except OSError as fault:
        raise StartupError(
            f"The data directory {data} cannot be made: {fault.strerror}.", hint="Choose another directory with --data."
        ) from fault
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _empty(directory: Path, account: Account) -> None:
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(OWNER_ONLY)
    account.take(directory)


def _initdb(binaries: Binaries, account: Account, data: Path) -> None:
    done = account.run([binaries.program("initdb"), "--pgdata", data, *_arguments(binaries.major)])
    if done.returncode != 0:
        raise StartupError(
            f"The data directory cannot be made: {_reason(done.stderr or done.stdout)}",
            hint="Mend the cause, or choose another directory with --data.",
        )


def _arguments(major: int) -> list[str]:
    """Every character is UTF-8, sorted by code point: the same order on every machine, so that indexes survive a move."""
    provider = ["--locale-provider=builtin", f"--builtin-locale={_UNICODE}"] if major >= 17 else []
    return [
        f"--username={SUPERUSER}",
        "--auth-local=peer",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        f"--lc-ctype={_character_type()}",
        "--data-checksums",
        *provider,
    ]


def _character_type() -> str:
    """The C library's idea of letters, which text search still asks; plain C where there is no Unicode one."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        return locale.setlocale(locale.LC_CTYPE, _UNICODE)
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def _reason(output: str) -> str:
    """The line in which initdb says what is wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "FATAL:" in line or "PANIC:" in line]
    return (telling or lines or ["initdb failed without a word"])[0]
