"""The limits that the reference tells are those of the code."""

import re

import pytest

from pellucid.rest import develop
from pellucid.rest.grammar import bodies, conditions, fields, media, order, query, scanner, select
from pellucid.rest.plan import rows
from pellucid.rest.validate import MAX_FAULTS
from pellucid.web.options import Limits
from tools.reference import REFERENCE

LIMITS = Limits()
TOLD = {
    match[1]: match[2]
    for match in re.finditer(
        r"^\| ([^|]+) \| ([^|]+) \| [^|]*\|$",
        (REFERENCE / "data-api.md").read_text().split("\n## Limits\n", 1)[1],
        re.MULTILINE,
    )
}
NUMBERS = {
    "body": LIMITS.body >> 20,
    "URL": LIMITS.url >> 10,
    "headers": LIMITS.headers >> 10,
    "time for a body to arrive": int(LIMITS.body_seconds),
    "rows in one body": bodies.MAX_ROWS_IN_BODY,
    "different sets of keys in one list": rows.MAX_GROUPS,
    "keys in one row, fields in one form, names in `columns`": bodies.MAX_KEYS_IN_ROW,
    "parameters in one query": query.MAX_PARAMETERS,
    "filters in one query": conditions.MAX_CONDITIONS,
    "depth of `and` and `or`": conditions.MAX_DEPTH,
    "values in one `in` list": conditions.MAX_LIST,
    "items in `select`": select.MAX_ITEMS,
    "embedded tables, and how deep they nest": select.MAX_EMBEDS,
    "terms in one `order`": order.MAX_TERMS,
    "steps into the JSON of one field": fields.MAX_STEPS,
    "length of one name": scanner.MAX_NAME,
    "media types in `Accept`": media.MAX_ACCEPTED,
    "bad fields that one answer tells": MAX_FAULTS,
    "tables and columns that development makes": develop.MAX_TABLES,
}


def test_every_limit_that_is_told_is_held_against_the_code() -> None:
    assert set(TOLD) - {"what", "---"} == set(NUMBERS)


@pytest.mark.parametrize("what", NUMBERS)
def test_the_number_is_the_codes(what: str) -> None:
    assert re.match(r"[\d,]*\d", TOLD[what])[0] == f"{NUMBERS[what]:,}"  # type: ignore[index]
