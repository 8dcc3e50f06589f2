"""What the catalog's queries gave, row by row, before anything is made of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Row = Mapping[str, Any]
Rows = Sequence[Row]


class Found(Struct, frozen=True):
    """The answers to `pellucid.database.catalog.queries`, all from one snapshot."""

    roles: Rows
    settings: Rows
    schemas: Rows
    types: Rows
    acls: Rows
    tables: Rows
    columns: Rows
    keys: Rows
    indexes: Rows
    functions: Rows
    rules: Rows = ()
    rows: Rows = ()
    casts: Rows = ()
    aggregates: Rows = ()
    extensions: Rows = ()
    hooked: Rows = ()
    talkative: Rows = ()

    @property
    def mark(self) -> int:
        """Differs when anything was found that is not as it was. It costs a fraction of what building a catalog does."""
        mark = 0
        for row in self.columns:  # row by row, so that the event loop gets its turn in between
            mark = hash((mark, row))
        rest = (
            self.roles,
            self.settings,
            self.schemas,
            self.types,
            self.acls,
            self.tables,
            self.keys,
            self.indexes,
            self.functions,
            self.rules,
            self.rows,
            self.casts,
            self.aggregates,
            self.extensions,
            self.hooked,
            self.talkative,
        )
        for rows in rest:
            mark = hash((mark, len(rows)))
            for row in rows:
                mark = hash((mark, repr(row)))
        return mark
