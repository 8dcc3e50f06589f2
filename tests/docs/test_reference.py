"""The reference says what the code says."""

import re

import pytest

from pellucid.cli.sources import POSTGREST
from tools import reference


@pytest.mark.parametrize("name", sorted(reference.tables()))
def test_the_tables_are_those_of_the_code(name: str) -> None:
    page = (reference.REFERENCE / name).read_text()
    assert reference.renewed(page, reference.tables()[name]) == page, "make fix renews it"


def test_every_name_of_postgrests_is_told() -> None:
    page = (reference.REFERENCE / "configuration.md").read_text()
    assert set(re.findall(r"PGRST_[A-Z0-9_]+", page.split("## PostgREST's names")[1])) == set(POSTGREST)
