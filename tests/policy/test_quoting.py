"""Names come out as PostgreSQL reads them."""

import asyncpg
import pytest

from pellucid.database.catalog.model import TableName
from pellucid.policy.quoting import name, relation, roles


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("notes", "notes"), ("order", '"order"'), ("Notes", '"Notes"'), ('a"b', '"a""b"'), ("1a", '"1a"'), ("é", '"é"')],
)
def test_names(text: str, quoted: str) -> None:
    assert name(text) == quoted


def test_roles_and_relations() -> None:
    assert roles(["public", "anon", "Editor"]) == 'public, anon, "Editor"'
    assert relation(TableName("my schema", "notes")) == '"my schema".notes'


async def test_every_word_that_must_be_quoted_is(admin: asyncpg.Connection) -> None:
    words = await admin.fetch("select word from pg_get_keywords() where catcode <> 'U'")
    assert not [row["word"] for row in words if name(row["word"]) == row["word"]]
