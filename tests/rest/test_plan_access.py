"""Who may read what, and that no text of a client's gets into a statement: judged without a database."""

import re
from types import MappingProxyType
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pellucid.errors import Denied, NotExposed, StatementRefused, UnknownColumn
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.read import plan_read
from pellucid.rest.profile import NATIVE, POSTGREST, Profile
from tests.rest.library import BOOKS, LIBRARY, compiled, planned, read
from tests.rest.requests import ask

BY = "authors!author"


def test_production_serves_no_embedded_table_without_row_level_security() -> None:
    assert read("GET /authors?select=vault!author(code)")
    with pytest.raises(NotExposed):
        planned("GET /authors?select=vault!author(code)", guarded=True)
    with pytest.raises(NotExposed):
        planned("GET /authors?select=shelf!author(title)", guarded=True)
    bare = replace(LIBRARY.tables[next(name for name in LIBRARY.tables if name.name == "labels")], row_security=False)
    tables = MappingProxyType({**LIBRARY.tables, bare.name: bare})
    with pytest.raises(NotExposed):
        plan_read(
            ask("GET", "/books?select=tags(word)"),
            BOOKS,
            Context(replace(LIBRARY, tables=tables), NATIVE, "anon", guarded=True),
        )


def test_everything_means_what_the_role_may_read() -> None:
    assert read("GET /secrets", role="partial") == 'SELECT t."id" AS "id" FROM "secrets" AS t'
    assert 't."author" AS "author"' in read("GET /secrets", POSTGREST, role="partial")
    assert 'SELECT t1."id" AS "id" FROM "secrets"' in read("GET /authors?select=secrets!author(*)", role="partial")


@pytest.mark.parametrize("asking", [NATIVE, POSTGREST])
def test_a_column_that_is_not_there_is_like_one_that_may_not_be_read(asking: Profile) -> None:
    """As PostgreSQL answers for the other columns of the table, whose names would be told otherwise."""
    for role in ("anon", "partial"):
        for query in (
            "select=nope",
            "select=id&nope=eq.1",
            "select=id&order=nope",
            "select=id&or=(nope.is.null,id.eq.1)",
        ):
            with pytest.raises(Denied, match="permission denied for table secrets") as fault:
                planned(f"GET /secrets?{query}", asking, role=role)
            assert (fault.value.sqlstate, fault.value.hint, fault.value.status) == ("42501", None, 403)
    with pytest.raises((StatementRefused, UnknownColumn)):
        planned("GET /secrets?select=nope", asking, role="reader")


def test_nobody_is_told_to_prove_who_they_are() -> None:
    with pytest.raises(Denied) as fault:
        planned("GET /secrets?select=nope", POSTGREST, anonymous=True)
    assert (fault.value.status, fault.value.headers) == (401, {"WWW-Authenticate": "Bearer"})


@pytest.mark.parametrize(
    ("request_", "message", "hint"),
    [
        ("GET /books?select=nope", "column books.nope does not exist", None),
        ("GET /books?titel=eq.1", "column books.titel does not exist", '"books.title"'),
        ("GET /books?select=tags(wrd)", "column tags.wrd does not exist", '"tags.word"'),
        (f"GET /books?select={BY}(nam)", "column authors_1.nam does not exist", '"authors_1.name"'),
        (
            f"GET /books?select={BY}(id)&order=authors(nope)",
            "column books_authors_1.nope does not exist",
            '"books_authors_1.name"',
        ),
    ],
)
def test_an_unknown_column_is_told_in_postgresqls_words(request_: str, message: str, hint: str | None) -> None:
    with pytest.raises(StatementRefused) as fault:
        planned(request_, POSTGREST)
    assert fault.value.sqlstate == "42703"
    assert fault.value.message == message
    assert fault.value.hint == (f"Perhaps you meant to reference the column {hint}." if hint else None)


def test_the_same_shape_is_the_same_statement() -> None:
    def shape(number: int) -> str:
        return compiled(
            f"GET /authors?select=name,books!author(title)&books.pages=gt.{number}&books.limit={number}&name=like.*{number}*"
        ).sql

    assert shape(1) == shape(2)


# -- properties -------------------------------------------------------------------------------------------------------

CANARY = "zq'\"\\;--/*$$zq"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8).map(
    lambda text: CANARY + text
)
EMBEDS = st.sampled_from(["authors!author", "tags", "labels", "reviewer", "...authors!editor", "...tags"])
FIELDS = {"authors": "name", "tags": "word", "labels": "tag", "reviewer": "name"}


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.tuples(EMBEDS, TEXTS, TEXTS), min_size=1, max_size=4), st.booleans())
def test_no_text_of_an_embed_gets_out_of_quotes_and_parameters(embeds: list[tuple[str, str, str]], inner: bool) -> None:
    items, filters, allowed = [], [], set()
    for number, (embed, alias, value) in enumerate(embeds):
        name = embed.removeprefix("...").split("!")[0]
        known, spread = f"{alias}{number}", embed.startswith("...")
        path = name if spread else known
        allowed |= {known, f"{known}x"}
        items.append(
            f"{'' if spread else quoted(known) + ':'}{embed}{'!inner' if inner else ''}({quoted(known + 'x')}:{FIELDS[name]})"
        )
        filters += [(f"{quoted(path)}.{FIELDS[name]}", f"eq.{value}"), (quoted(path) + ".limit", "3")]
    query = urlencode([("select", ",".join(items)), *filters])
    statement = compiled(f"GET /books?{query}", POSTGREST)
    outside = re.sub(r'"((?:[^"]|"")*)"', lambda found: _name_in(found[1].replace('""', '"'), allowed), statement.sql)
    assert "zq" not in outside
    assert re.fullmatch(r"(?:'(?:\[\]|response\.\w+|)'|[\w $:.,()<>=*?-])*", outside), outside


def _name_in(name: str, allowed: set[str]) -> str:
    """A quoted name is the catalog's or an alias; nothing is left of it."""
    names = {"public", "@some"} | {each.name for each in LIBRARY.tables} | {"reviewer", "parsed", "shown"}
    columns = {column for table in LIBRARY.tables.values() for column in table.columns}
    assert name in names | columns | allowed, name
    return ""
