"""What a doctor says about a database."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from pellucid.database.catalog.model import TableName


class Severity(StrEnum):
    """How bad it is. Only an error makes ``pellucid doctor`` end with status 1."""

    ERROR = "error"
    """Somebody may do what was hardly meant."""
    WARNING = "warning"
    """It may be meant; look at it."""
    INFO = "info"
    """Good to know."""


class Finding(Struct, frozen=True):
    """One thing that is not as it should be.

    ``object`` is what it is about, ``message`` one sentence, ``sql`` mends it. Where only you can know what is meant there is a ``hint``
    instead. ``check`` is the name of what found it.
    """

    severity: Severity
    object: str
    message: str
    sql: str | None = None
    hint: str | None = None
    check: str = ""

    @property
    def docs(self) -> str:
        """The page that tells more."""
        return f"docs/reference/doctor.md#{self.check}"


def shown(name: TableName) -> str:
    """A table, view or function in a sentence."""
    return ".".join(name)


def listed(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *rest, last = words
    return f"{', '.join(rest)} and {last}" if rest else last
