"""Who may do what, worked out from access lists (PostgreSQL, 5.8) instead of asking for each role and each table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from pellucid.database.catalog.found import Row
from pellucid.database.catalog.model import Privilege

PUBLIC = 0
EVERYWHERE: Mapping[str, frozenset[int]] = MappingProxyType(
    {"usage": frozenset({6181, 6182}), "select": frozenset({6181})}
    | dict.fromkeys(("insert", "update", "delete"), frozenset({6182}))
)
"""What ``pg_read_all_data`` (6181) and ``pg_write_all_data`` (6182) may do without any access list (PostgreSQL, 21.5)."""
NOBODY: Mapping[str, frozenset[Privilege]] = MappingProxyType({})

NOTHING: Mapping[str, frozenset[str]] = MappingProxyType({})


class Rights:
    """The rights of the roles that a request may take."""

    def __init__(self, roles: Mapping[str, Row], acls: Iterable[Row], schemas: Iterable[Row]) -> None:
        self.roles = tuple(roles)
        self._held = {name: frozenset(role["held"]) | {PUBLIC} for name, role in roles.items()}
        self._entries: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for entry in acls:
            self._entries[entry["acl"]][entry["privilege"]].add(entry["grantee"])
        self._usable = {row["oid"]: self._having("usage", (row["acl"],)) for row in schemas}
        self.on_table = cache(self._on_table)
        self.on_columns = cache(self._on_columns)
        self.on_function = cache(self._on_function)

    def _on_table(self, schema: int, lists: frozenset[str]) -> Mapping[str, frozenset[Privilege]]:
        """What each role may do with a table in this schema, by the access lists of the table and of its columns."""
        holders = {privilege: self._having(privilege.value, lists) for privilege in Privilege}
        rights = {
            role: frozenset(privilege for privilege, having in holders.items() if role in having)
            for role in self._usable[schema]
        }
        return MappingProxyType({role: held for role, held in rights.items() if held}) or NOBODY

    def _on_columns(self, schema: int, acl: str, columns: tuple[tuple[str, str], ...]) -> Mapping[str, frozenset[str]]:
        """The columns that those roles may read which may not read the whole table.

        Args:
            schema: of the table.
            acl: the table's access list.
            columns: the names of those columns that have access lists of their own, and these.
        """
        some: dict[str, set[str]] = defaultdict(set)
        for name, own in columns:
            for role in (self._having("select", (own,)) & self._usable[schema]) - self._having("select", (acl,)):
                some[role].add(name)
        return MappingProxyType({role: frozenset(names) for role, names in some.items()}) or NOTHING

    def _on_function(self, schema: int, acl: str) -> frozenset[str]:
        """The roles that may call a function in this schema."""
        return self._having("execute", (acl,)) & self._usable[schema]

    def _having(self, privilege: str, lists: Iterable[str]) -> frozenset[str]:
        grantees = set(EVERYWHERE.get(privilege, ()))
        grantees.update(*(self._entries[acl][privilege] for acl in lists))
        return frozenset(role for role, held in self._held.items() if held & grantees)
