"""The last look before a trace is kept: nothing in it may be a secret, wherever it came from."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pellucid.observe import Fact
from pellucid.trace.document import Commit, Row, Statement, Trace
from pellucid.web.redact import BLOT, escape, redact

_LITERAL = re.compile(r"E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'", re.DOTALL)
_DOLLARS = re.compile(r"\$([A-Za-z_]\w*)?\$.*?\$\1\$", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.$])-?\d+(?:\.\d+)?(?![\w.])")
_BOUND = re.compile(r"\$\d")


def masked(trace: Trace) -> Trace:
    """The trace without secrets, and without anything that could pretend to be a line of its own."""
    return replace(
        trace,
        target=escape(redact(trace.target)),
        request_id=escape(trace.request_id),
        rows=tuple(Row(row.stage, row.start, row.seconds, _facts(row.facts)) for row in trace.rows),
        statements=tuple(_statement(each) for each in trace.statements),
        commits=tuple(_commit(each) for each in trace.commits),
    )


def shown_sql(sql: str) -> str:
    """A statement as it may be shown. Constants of one that binds its values are its author's; those of others may be anybody's."""
    if _BOUND.search(sql):
        return redact(sql)
    bare = _COMMENT.sub(" ", _DOLLARS.sub(f"'{BLOT}'", _LITERAL.sub(f"'{BLOT}'", sql)))
    return redact(_NUMBER.sub("?", bare))


def _facts(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name: _fact(name, fact) for name, fact in facts.items()}


def _fact(name: str, fact: Fact) -> Fact:
    if not isinstance(fact, str):
        return fact
    return shown_sql(fact) if name == "sql" else escape(redact(fact))


def _statement(statement: Statement) -> Statement:
    return replace(
        statement,
        sql=redact(statement.sql),
        parameters=tuple(None if each is None else redact(each) for each in statement.parameters),
        plan=_plain(statement.plan),
        nested=tuple(_statement(each) for each in statement.nested),
        policies=tuple(redact(each) for each in statement.policies),
    )


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
