"""What every compiler of a statement uses: numbered parameters and quoted names."""

from functools import lru_cache

from msgspec import Struct, field

from pellucid.database.catalog.model import TableName


class Statement(Struct, frozen=True):
    """SQL with ``$1`` parameters, and their values."""

    sql: str
    parameters: tuple[object, ...]


class Parameters(Struct):
    """Collects the values of a statement while its text is written, and counts the tables embedded in it."""

    values: list[object] = field(default_factory=list)
    embedded: int = 0

    def bind(self, value: object, cast: str) -> str:
        """Add a value and give the text that stands for it: ``$3::text``."""
        self.values.append(value)
        return f"${len(self.values)}::{cast}"

    def number(self) -> int:
        """The number of the next embedded table, for its names in the statement: 1, 2, …"""
        self.embedded += 1
        return self.embedded


@lru_cache(maxsize=8192)
def identifier(name: str) -> str:
    """A quoted name (PostgreSQL, 4.1.1). NUL cannot be in one, and is refused before this."""
    return '"' + name.replace('"', '""') + '"'


def relation(name: TableName) -> str:
    """A table's quoted and qualified name."""
    return f"{identifier(name.schema)}.{identifier(name.name)}"
