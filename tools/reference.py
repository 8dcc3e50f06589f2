"""Write the tables of docs/reference that say what the code says: settings and errors. `make fix` runs it; a test compares."""

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from pydantic import ByteSize
from pydantic.fields import FieldInfo

from pellucid.cli.sources import PREFIX
from pellucid.errors import DatabaseError, PellucidError, StartupError
from pellucid.policy.doctor import CHECKS, SEVERITIES
from pellucid.settings import Settings

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


def main() -> None:
    """Renew every table."""
    for name, table in tables().items():
        page = REFERENCE / name
        page.write_text(renewed(page.read_text(), table))


def tables() -> dict[str, str]:
    """The tables by the page that they stand on."""
    return {
        "configuration.md": "\n".join(settings_rows()),
        "errors.md": "\n".join(errors_rows()),
        "doctor.md": "\n".join(doctor_rows()),
    }


def renewed(page: str, table: str) -> str:
    """The page with its last table replaced."""
    found = list(re.finditer(r"(?:^\|.*\n)+", page, re.MULTILINE))[-1]
    return page[: found.start()] + table + "\n" + page[found.end() :]


def settings_rows() -> Iterator[str]:
    """One row for each setting."""
    yield "| setting | environment | default | is |"
    yield "|---|---|---|---|"
    for name, field in Settings.model_fields.items():
        yield f"| `{name}` | `{PREFIX}{name.upper()}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    match field.get_default(call_default_factory=True, validated_data={}):
        case None | () | {}:
            return ""
        case Enum(value=value):
            return f"`{value}`"
        case bool(value):
            return f"`{str(value).lower()}`"
        case tuple(values):
            return f"`{', '.join(values)}`"
        case ByteSize() as size:
            return f"`{size.human_readable()}`"
        case value:
            return f"`{value}`"


def errors_rows() -> Iterator[str]:
    """One row for each kind of error that a client can meet."""
    yield "| code | status | PostgREST | means |"
    yield "|---|---|---|---|"
    for kind in _family(PellucidError):
        code = "SQLSTATE" if issubclass(kind, DatabaseError) else f"`{kind.postgrest_code}`"
        meaning = (kind.__doc__ or "").partition("\n\n")[0].replace("``", "`").replace("\n", " ")
        yield f"| `{kind.code}` | {kind.status} | {code}, {kind.postgrest_status or kind.status} | {re.sub(' +', ' ', meaning)} |"


def doctor_rows() -> Iterator[str]:
    """One row for each check of the doctor, with a place that its findings point to."""
    yield "| check | severity | finds |"
    yield "|---|---|---|"
    for name, check in CHECKS.items():
        meaning = re.sub(r"\s+", " ", (check.__doc__ or "").replace("``", "`"))
        yield f'| <a id="{name}"></a>`{name}` | {", ".join(SEVERITIES[name])} | {meaning.strip()} |'


def _family(kind: type[PellucidError]) -> Iterator[type[PellucidError]]:
    if kind is not StartupError and kind.__module__ == PellucidError.__module__:
        yield kind
    for derived in kind.__subclasses__():
        yield from _family(derived)


if __name__ == "__main__":
    main()
