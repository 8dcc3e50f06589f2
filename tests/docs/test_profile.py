"""The table of what PostgREST has is proved: each row names tests, and each of these exists."""

import re
from importlib import import_module

import pytest

from tools.reference import REFERENCE

TABLES = (REFERENCE / "postgrest-profile.md").read_text().split("\n## Every feature\n", 1)[1]
HEAD = ["PostgREST", "here", "proved by"]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in TABLES.splitlines() if line.startswith("| ")
]
FEATURES = [row for row in ROWS if row != HEAD]
PROOF = re.compile(r"`([\w/]+\.py)::(\w+)(?:\[([^`]*)\])?`")


def acts(test: object) -> set[str]:
    """The names of a test's cases, as far as somebody gave them names."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    named = {str(case.id) for mark in marks for case in mark.args[1] if getattr(case, "id", None)}
    return named | {str(name) for mark in marks for name in mark.kwargs.get("ids") or () if isinstance(name, str)}


def test_the_tables_have_the_same_head() -> None:
    assert ROWS.count(HEAD) == TABLES.count("|---|---|---|\n") > 0
    assert {len(row) for row in ROWS} == {3}


def test_no_feature_is_told_twice() -> None:
    names = [row[0] for row in FEATURES]
    assert {name for name in names if names.count(name) > 1} == set()


@pytest.mark.parametrize("row", FEATURES, ids=[row[0] for row in FEATURES])
def test_each_row_is_proved(row: list[str]) -> None:
    proofs = PROOF.findall(row[2])
    assert proofs, "a row without a proof"
    assert PROOF.sub("", row[2]).strip(" ,") == "", "something stands there that is no proof"
    for path, name, act in proofs:
        test = getattr(import_module(f"tests.{path.removesuffix('.py').replace('/', '.')}"), name)
        assert not act or act in acts(test), f"{path}::{name} has no case {act!r}, but {sorted(acts(test))}"
