"""``pellucid doctor``: finds what opens tables more than was meant."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer
from msgspec import to_builtins
from rich.console import Console
from rich.text import Text

from pellucid.cli.database import echo_sql, visit
from pellucid.cli.errors import line, printable
from pellucid.cli.options import Config, Data, Db, Json
from pellucid.cli.sources import load
from pellucid.policy.doctor import examine
from pellucid.policy.facts import Facts, Scope
from pellucid.policy.findings import Finding, Severity
from pellucid.policy.survey import survey

CONTEXT: dict[str, Any] = {}
COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
FAULTY = 1
"""The exit status where there are errors."""


def command(
    as_data: Json = False,
    fix: Annotated[bool, typer.Option("--fix", help="Print the SQL that mends it, and nothing else.")] = False,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Find tables without row level security, views and functions with too many rights, and the like. Status 1 where there are errors."""
    settings = load({"db": db, "data": data}, os.environ, config).settings
    facts = visit(settings, _look)
    findings = examine(facts)
    if fix:
        echo_sql("\n".join(_script(findings)))
        return
    if as_data:
        typer.echo(json.dumps([to_builtins(finding) | {"docs": finding.docs} for finding in findings], indent=2))
    else:
        _show(facts, findings)
    raise typer.Exit(FAULTY if any(finding.severity is Severity.ERROR for finding in findings) else 0)


async def _look(connection: Any, scope: Scope) -> Facts:
    return await survey(connection, scope)


def _show(facts: Facts, findings: Iterable[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(
            Text.assemble((f"{finding.severity:<9}", COLOURS[finding.severity]), (line(finding.object), "bold"))
        )
        console.print(Text(f"         {line(finding.message)}"))
        for each in _ways_out(finding):
            console.print(Text(f"         {printable(each)}", "green"))
        console.print(Text(f"         {finding.docs}", "dim"))
    console.print(_summary(facts, findings))


def _ways_out(finding: Finding) -> list[str]:
    if finding.sql is not None:
        return f"{finding.sql};".splitlines()
    return [f"→ {finding.hint}"] if finding.hint else []


def _summary(facts: Facts, findings: Iterable[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    words = [_counted(counts[severity], word) for severity, word in _WORDS.items() if counts[severity]]
    looked_at = f"{_counted(len(facts.tables), 'table')} looked at"
    return f"{', '.join(words) or 'Nothing found'}; {looked_at}."


_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _script(findings: Iterable[Finding]) -> Iterator[str]:
    """SQL that can be run as it is: it mends the errors. What may be meant stands there too, as comments to choose from."""
    for finding in findings:
        yield f"-- {finding.severity} {finding.check}: {line(finding.object)}. {line(finding.message)}"
        if finding.sql is None:
            yield f"-- {line(finding.hint or '')}"
        elif finding.severity is Severity.ERROR:
            yield f"{finding.sql};"
        else:
            yield from (f"-- {each}" for each in f"{finding.sql};".splitlines())
