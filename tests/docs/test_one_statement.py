"""The SQL that the explanation shows is what the code makes of the requests beside it."""

import re
from pathlib import Path

import pytest

from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.names import Context
from pellucid.rest.profile import NATIVE
from tests.rest.library import LIBRARY
from tests.rest.requests import ask

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "one-statement.md"
SHOWN = re.findall(
    r"```text\n(\w+) (\S+)(?:\nPrefer: ([^\n]+))?\n(?:\n([^`]+))?```\n\n```sql\n(.*?)```", PAGE.read_text(), re.DOTALL
)


def test_the_page_shows_some() -> None:
    assert len(SHOWN) == PAGE.read_text().count("```sql") == 3


@pytest.mark.parametrize(("method", "path", "prefer", "body", "sql"), SHOWN, ids=[shown[1] for shown in SHOWN])
def test_the_statement_is_the_one_that_is_made(method: str, path: str, prefer: str, body: str, sql: str) -> None:
    asked = ask(method, path, body.encode() if body else None, prefer=prefer)  # type: ignore[arg-type]
    context = Context(LIBRARY, NATIVE, "anon")
    made = compile_plan(make_plan(asked, LIBRARY.tables[asked.name], context)).sql
    assert " ".join(sql.split()) == made
