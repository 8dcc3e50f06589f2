"""The reference says what the code says."""

import re

import pytest

from pellucid.auth.audit import Event
from pellucid.cli.sources import POSTGREST, POSTGREST_IDLE
from tools import reference


@pytest.mark.parametrize("name", sorted(reference.tables()))
def test_the_tables_are_those_of_the_code(name: str) -> None:
    page = (reference.REFERENCE / name).read_text()
    assert reference.renewed(page, reference.tables()[name]) == page, "make fix renews it"


def test_every_name_of_postgrests_is_told() -> None:
    lines = (reference.REFERENCE / "configuration.md").read_text().splitlines()
    rows = {f"| `{name}` | `{setting}` |" for name, setting in POSTGREST.items()}
    rows |= {f"| `{name}` | no effect: {why} |" for name, why in POSTGREST_IDLE.items()}
    assert {line for line in lines if line.startswith("| `PGRST_")} == rows | {
        "| `PGRST_APP_SETTINGS_*` | `app_settings` |"
    }


def test_every_event_of_the_audit_log_is_told() -> None:
    page = (reference.REFERENCE / "accounts.md").read_text()
    table = page.partition("## The audit log")[2].partition("\n## ")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first))) == sorted(Event)
