"""What makes rules slow."""

import re
from collections.abc import Iterator

from pellucid.database.catalog.model import Table
from pellucid.policy.access import VIEWS
from pellucid.policy.facts import Facts, Policy
from pellucid.policy.findings import Finding, Severity, shown
from pellucid.policy.quoting import name, names, relation

_ONCE = re.compile(r"\( ?SELECT (?:auth\.\w+\(\)|current_setting\([^()]*\)) AS \w+\)")
_EACH_ROW = re.compile(r"auth\.(?:uid|jwt|role|email)\(\)")


def foreign_key_without_index(facts: Facts) -> Iterator[Finding]:
    """A foreign key without an index: deleting in the table it points at, and embedding, read the whole table."""
    for table in facts.tables:
        for key in table.foreign_keys:
            if not _is_indexed(facts, table, key.columns):
                yield Finding(
                    Severity.INFO,
                    shown(table.name),
                    f'The foreign key "{key.name}" has no index.',
                    f"create index on {relation(table.name)} ({names(key.columns)})",
                )


def asked_each_row(facts: Facts) -> Iterator[Finding]:
    """A policy that asks who the caller is for each row: in a ``select`` of its own it is asked once a statement."""
    for table in facts.tables:
        for policy in facts.guards[table.name].policies:
            if any(_asks(text) for text in (policy.using, policy.check)):
                yield Finding(
                    Severity.INFO,
                    shown(table.name),
                    f'The policy "{policy.name}" asks for each row who the caller is.',
                    _asking_once(table, policy),
                )


def _is_indexed(facts: Facts, table: Table, columns: tuple[str, ...]) -> bool:
    """Whether an index begins with these columns, in whatever order."""
    if table.kind in VIEWS:
        return True
    wanted = set(columns)
    return any(set(index[: len(columns)]) == wanted for index in facts.guards[table.name].indexed)


def _asks(text: str | None) -> bool:
    return bool(text and _EACH_ROW.search(_ONCE.sub("", text)))


def _asking_once(table: Table, policy: Policy) -> str:
    using = f" using ({_once(policy.using)})" if policy.using is not None else ""
    check = f" with check ({_once(policy.check)})" if policy.check is not None else ""
    return f"alter policy {name(policy.name)} on {relation(table.name)}{using}{check}"


def _once(condition: str) -> str:
    """The condition with each bare question in a select of its own."""
    parts = re.split(f"({_ONCE.pattern})", condition)
    return "".join(part if _ONCE.fullmatch(part) else _EACH_ROW.sub(r"(select \g<0>)", part) for part in parts)
