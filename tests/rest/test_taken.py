"""Values against the database: what the checks take PostgreSQL takes too, and what they refuse it refuses, but for a little."""

import json
import random
from typing import Any

import asyncpg
import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from pellucid.database.catalog.model import Column
from pellucid.rest.taken import TAKEN
from pellucid.rest.validate import given

pytestmark = pytest.mark.anyio
READER = """
create function taken(kind text, texts text[]) returns bool[] language plpgsql as $$
declare
  answers bool[] := '{}'; each text; found text;
begin
  foreach each in array texts loop
    begin
      execute format('select b.v::text from json_to_recordset($1::json) as b(v %s)', kind) into found using '[{"v":' || each || '}]';
      answers := answers || true;
    exception when others then
      answers := answers || false;
    end;
  end loop;
  return answers;
end $$
"""
BASES = [*TAKEN, "text", "varchar", "bpchar"]
NUMBERS = """
true false 0 1 -1 2 1.0 1.5 1e2 1E+2 0.1 1e38 1e39 -1e39 1e-46 1e308 32767 32768 -32768 -32769 2147483647 2147483648 -2147483649
9223372036854775807 9223372036854775808 123456789012345678901234567890 1e400 20240131
""".split()  # noqa: SIM905 - a list of numbers as JSON writes them
TEXTS = """
true t yes y on off o of tr TRUE truee maybe 1 0 2 5 +5 -5 5.0 5. .5 . e5 1e2 1e999 1e-999 0e-999 1e39 1e-46 1e131071 1e131072 1e-16383
1e-16384 NaN nan inf -inf Infinity +Infinity infinity -infinity 32768 9223372036854775808 000000000000000000000000000001 a
0190a000-0000-7000-8000-00000000ada0 0190A000-0000-7000-8000-00000000ADA0 {0190a000-0000-7000-8000-00000000ada0}
{0190a000-0000-7000-8000-00000000ada0 0190a00000007000800000000000ada0 urn:uuid:0190a000-0000-7000-8000-00000000ada0
0190a000-0000-7000-8000-00000000ada 0190-a000-0000-7000-8000-0000-0000-ada0 2024-01-31 2024-02-31 2023-02-29 2024-02-29 1900-02-29
10000-01-01 294275-12-31 0000-01-01 0001-01-01 2024-01-31T10:00:00Z 2024-01-31T10:00 2024-01-31T24:00:00 2024-01-31T24:00:01
2024-01-31T23:59:60 2024-01-31T23:59:60.5 2024-01-31T10:00:00+02 2024-01-31T10:00:00+02:00 2024-01-31T10:00:00-15:59
2024-01-31T10:00:00+16:00 2024-01-31T10:00:00.1234567Z 2024-01-31t10:00:00z 2024-01-31T10 1700000000 1700000000.5 10:00 10:00:00
10:00:00.5 10:00:00Z 10:00+02 10:00:00+02:00 24:00:00 24:00:01 25:00:00 10:60 3600 10
""".split()  # noqa: SIM905 - a list of texts
SPACED = [
    "",
    " ",
    " 5 ",
    " true ",
    "\t7\n",
    "0044-03-15 BC",
    "0001-02-29 BC",
    "4713-01-01 BC",
    "2024-01-31 10:00:00",
    " 10:00 ",
]
_BEYOND_TEXT = [*NUMBERS, "[]", "{}", "[1]", '{"a":1}']
_OTHER_DATES = ("20240131", '"4713-01-01 BC"')
_OTHER_TIMES = ('"2024-01-31 10:00:00"',)
_BEYOND_ISO = {
    "date": _OTHER_DATES,
    "timestamp": _OTHER_DATES,
    "timestamptz": _OTHER_DATES,
    "time": _OTHER_TIMES,
    "timetz": _OTHER_TIMES,
}
_ALPHABET = "0123456789+-.eE: TZ{}tf"


def judged(base: str, raw: str) -> bool:
    try:
        TypeAdapter[Any](given(Column("v", base, base, nullable=False))).validate_python(from_json(raw))
    except ValidationError:
        return False
    return True


def excused(base: str, raw: str) -> bool:
    """What PostgreSQL takes and the checks do not: other values than texts in texts, and what is no date or time of ISO 8601."""
    return raw in _BEYOND_TEXT if base in ("text", "varchar", "bpchar") else raw in _BEYOND_ISO.get(base, ())


@pytest.mark.parametrize("base", BASES)
async def test_checks_take_what_postgresql_takes(base: str, admin: asyncpg.Connection) -> None:
    await admin.execute(READER)
    raws = [*NUMBERS, *map(json.dumps, TEXTS), *map(json.dumps, SPACED), "[]", "{}", "[1]", '{"a":1}']
    found = await admin.fetchval("select taken($1, $2)", base, raws)
    wrong = {
        raw: taken
        for raw, taken in zip(raws, found, strict=True)
        if judged(base, raw) != taken and not excused(base, raw)
    }
    assert not wrong


@pytest.mark.parametrize("base", BASES)
async def test_nothing_is_taken_that_postgresql_refuses(base: str, admin: asyncpg.Connection) -> None:
    await admin.execute(READER)
    raws = [raw for raw in map(json.dumps, sorted(set(mutated()))) if judged(base, raw)]
    found = await admin.fetchval("select taken($1, $2)", base, raws)
    assert [raw for raw, taken in zip(raws, found, strict=True) if not taken] == []


def mutated() -> list[str]:
    """Texts that look a little like values."""
    chance = random.Random(7)
    texts = []
    for text in TEXTS + SPACED:
        for _ in range(60):
            place, letter = chance.randrange(len(text) + 1), chance.choice(_ALPHABET)
            texts.append(text[:place] + letter + text[place + chance.randrange(2) :])
    return texts
