"""The last look before a trace is kept: nothing in it may be a secret, wherever it came from."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from pellucid.observe import Fact
from pellucid.trace.document import Commit, Lock, Missing, Row, Statement, Trace
from pellucid.trace.witness.masking import statement as shown
from pellucid.web.redact import escape, redact

_LONGEST = 8192
"""Characters of one fact."""


def masked(trace: Trace) -> Trace:
    """The trace without secrets, and without anything that could pretend to be a line of its own."""
    return replace(
        trace,
        target=_said(trace.target),
        request_id=escape(trace.request_id),
        rows=tuple(Row(row.stage, row.start, row.seconds, _facts(row.facts)) for row in trace.rows),
        statements=tuple(_statement(each) for each in trace.statements),
        commits=tuple(_commit(each) for each in trace.commits),
        missing=tuple(Missing(_said(each.what), _said(each.why), _said(each.remedy)) for each in trace.missing),
    )


def _facts(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name: _fact(name, fact) for name, fact in facts.items()}


def _fact(name: str, fact: Fact) -> Fact:
    if not isinstance(fact, str):
        return fact
    text = shown(fact) if name == "sql" else _said(fact)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _statement(statement: Statement) -> Statement:
    return replace(
        statement,
        sql=redact(statement.sql),
        parameters=tuple(None if each is None else redact(each) for each in statement.parameters),
        plan=_plain(statement.plan),
        nested=tuple(_statement(each) for each in statement.nested),
        policies=tuple(redact(each) for each in statement.policies),
        locks=tuple(_lock(each) for each in statement.locks),
        advice=tuple(
            replace(each, table=_said(each.table), sql=_said(each.sql), how=_said(each.how))
            for each in statement.advice
        ),
    )


def _lock(lock: Lock) -> Lock:
    relation = None if lock.relation is None else _said(lock.relation)
    return replace(lock, relation=relation, holders=tuple(_said(each) for each in lock.holders))


def _said(text: str) -> str:
    """A sentence or a name."""
    return escape(redact(text))


def _commit(commit: Commit) -> Commit:
    records = tuple(replace(each, description=redact(each.description)) for each in commit.records)
    return replace(commit, records=records)


def _plain(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case Mapping():
            return {name: _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value
