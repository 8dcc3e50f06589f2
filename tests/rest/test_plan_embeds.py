"""Embedded tables, judged against a catalog and written as SQL, without a database."""

from types import MappingProxyType

import pytest
from msgspec.structs import replace

from pellucid.errors import (
    AggregatesOff,
    AmbiguousRelationship,
    Denied,
    NotEmbedded,
    NotImplementedYet,
    PellucidError,
    UnfitEmbedFilter,
    UnfitOrder,
    UnknownRelationship,
)
from pellucid.rest.compile.read import count
from pellucid.rest.compile.writer import Parameters
from pellucid.rest.plan.model import Insert, Reading
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.read import needed, plan_read
from pellucid.rest.profile import NATIVE, POSTGREST
from tests.rest.library import BOOKS, LIBRARY, compiled, planned, read
from tests.rest.requests import ask

BY = "authors!author"


def test_one_row_is_joined_and_becomes_an_object() -> None:
    assert read(f"GET /books?select=title,{BY}(name)") == (
        'SELECT t."title" AS "title", to_jsonb(e1.*) AS "authors" FROM "books" AS t'
        ' LEFT JOIN LATERAL (SELECT t1."name" AS "name" FROM "authors" AS t1 WHERE t."author" = t1."id") AS e1 ON TRUE'
    )


def test_many_rows_become_a_list_after_the_limit_of_the_rows_they_belong_to() -> None:
    statement = compiled(
        "GET /authors?select=name,works:books!author(title)&works.order=title.desc&works.limit=2&works.offset=1&works.pages=gt.3"
    )
    assert (
        'SELECT t."name" AS "name", coalesce((SELECT jsonb_agg(r1.*) AS list FROM (SELECT t1."title" AS "title"'
        ' FROM "public"."books" AS t1 WHERE t."id" = t1."author" AND (t1."pages" > $1::text::pg_catalog.int8)'
        ' ORDER BY t1."title" DESC LIMIT $2::int8 OFFSET $3::int8) AS r1), \'[]\') AS "works" FROM "public"."authors" AS t'
    ) in statement.sql
    assert statement.parameters == ("3", 2, 1)


def test_the_table_between_is_joined_too() -> None:
    assert 'FROM "tags" AS t1, "labels" AS j1 WHERE j1."tag" = t1."id" AND t."id" = j1."book"' in read(
        "GET /books?select=tags(word)"
    )


def test_a_function_takes_the_row() -> None:
    assert '"bestsellers"(t.*) AS t1' in read("GET /authors?select=bestsellers(title)")
    assert '"reviewer"(t1.*) AS t2' in read("GET /authors?select=books!author(reviewer(name))")
    assert '"initials"(t1.*) AS "initials"' in read("GET /books?select=reviewer(initials)")


def test_what_a_write_hands_on_has_the_type_that_functions_take() -> None:
    plan = planned("POST /books?select=title,reviewer(name)")
    assert isinstance(plan, Insert)
    assert plan.answer is not None
    assert needed(plan.answer) == tuple(BOOKS.columns.values())
    text = compiled("POST /books?select=title,reviewer(name)").sql
    columns = ", ".join(f't."{column}"' for column in BOOKS.columns)
    assert f'"public"."reviewer"(ROW({columns})::"public"."books") AS t1' in text


@pytest.mark.parametrize(
    ("select", "columns"),
    [
        ("title", ["title"]),
        (f"title,{BY}(name)", ["title", "author"]),
        ("tags(word)", ["id"]),
        ("count()", []),
    ],
)
def test_a_write_hands_on_what_is_needed_and_no_more(select: str, columns: list[str]) -> None:
    plan = planned(f"PATCH /books?id=1&select={select}")
    assert not isinstance(plan, Reading | Insert)
    answer = getattr(plan, "answer")  # noqa: B009 - several kinds of plan have one
    assert [column.name for column in needed(answer)] == columns


def test_what_a_write_answers_has_no_limits_but_conditions_on_embedded_rows() -> None:
    text = compiled(f"PATCH /books?id=1&select={BY}(name)&authors.limit=1&authors.name=Ada", most=5).sql
    assert "LIMIT" not in text.split(") SELECT", 1)[1]
    assert 't1."name" =' in text


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("GET /authors?select=mentor(name)", 't."mentor" = t1."id"'),
        ("GET /authors?select=authors(name)", 't."id" = t1."mentor"'),
        ("GET /authors?select=pupils:authors!mentor(name)", 't."id" = t1."mentor"'),
        ("GET /books?select=author(name)", 't."author" = t1."id"'),
        ("GET /books?select=books_editor_fkey(name)", 't."editor" = t1."id"'),
        ("GET /books?select=authors!books_editor_fkey(name)", 't."editor" = t1."id"'),
        ("GET /authors?select=books!editor(title)", 't."id" = t1."editor"'),
        ("GET /books?select=tags!labels(word)", 'j1."tag" = t1."id"'),
        ("GET /authors?select=lives(text)", 't."id" = t1."author"'),
        ("GET /authors?select=shelf!author(title)", 't."id" = t1."author"'),
    ],
)
def test_names_and_hints_find_the_relationship(request_: str, expected: str) -> None:
    assert expected in read(request_)


def test_several_relationships_are_told() -> None:
    with pytest.raises(AmbiguousRelationship) as fault:
        planned("GET /books?select=authors(name)", POSTGREST)
    assert fault.value.message == (
        "Could not embed because more than one relationship was found for 'books' and 'authors'"
    )
    assert fault.value.details == [
        {
            "cardinality": "many-to-one",
            "embedding": "books with authors",
            "relationship": f"books_{column}_fkey using books({column}) and authors(id)",
        }
        for column in ("author", "editor")
    ]
    assert fault.value.hint == (
        "Try changing 'authors' to one of the following: 'authors!books_author_fkey', 'authors!books_editor_fkey'."
        " Find the desired relationship in the 'details' key."
    )


def test_a_way_through_a_table_is_told_by_both_its_keys() -> None:
    ways = LIBRARY.relationships[BOOKS.name]
    twice = replace(
        LIBRARY, relationships=MappingProxyType({BOOKS.name: (*ways, *(way for way in ways if way.junction))})
    )
    asked = ask("GET", "/books?select=tags(word)")
    with pytest.raises(AmbiguousRelationship) as fault:
        plan_read(asked, BOOKS, Context(twice, NATIVE, "anon"))
    assert fault.value.details
    assert fault.value.details[0] == {
        "cardinality": "many-to-many",
        "embedding": "books with tags",
        "relationship": "labels using labels_book_fkey(book) and labels_tag_fkey(tag)",
    }
    with pytest.raises(Denied):
        plan_read(asked, BOOKS, Context(twice, NATIVE, "stranger"))


@pytest.mark.parametrize(
    ("embed", "hint", "details"),
    [
        ("author_s(name)", "Perhaps you meant 'authors' instead of 'author_s'.", "'books' and 'author_s'"),
        ("authors!nope(name)", None, "'books' and 'authors' using the hint 'nope'"),
        ("zzz(name)", None, "'books' and 'zzz'"),
    ],
)
def test_an_unknown_relationship(embed: str, hint: str | None, details: str) -> None:
    with pytest.raises(UnknownRelationship) as fault:
        planned(f"GET /books?select={embed}", POSTGREST)
    assert fault.value.hint == hint
    assert fault.value.details == (
        f"Searched for a foreign key relationship between {details} in the schema 'public', but no matches were found."
    )


def test_no_hint_names_a_table_that_the_role_may_not_see() -> None:
    with pytest.raises(UnknownRelationship) as fault:
        planned("GET /authors?select=secret(id)", POSTGREST)
    assert fault.value.hint is None
    with pytest.raises(UnknownRelationship) as fault:
        planned("GET /authors?select=secret(id)", POSTGREST, role="reader")
    assert fault.value.hint == "Perhaps you meant 'secrets' instead of 'secret'."


def test_a_table_that_is_not_embedded_has_no_conditions() -> None:
    for part in ("nope.name=eq.1", "nope.limit=1", "nope.order=id", "tags.nope.id=eq.1"):
        with pytest.raises(NotEmbedded, match="'nope' is not an embedded resource in this request") as fault:
            planned(f"GET /books?select=title,tags(word)&{part}", POSTGREST)
    assert fault.value.hint == "Verify that 'nope' is included in the 'select' query parameter."


@pytest.mark.parametrize(
    ("request_line", "message", "hint"),
    [
        ("/books?select=author_s(name)", "No foreign key relates books to author_s.", "Did you mean authors?"),
        ("/books?select=authors!nope(name)", "books and authors are related, but not by nope.", "Write authors!"),
        ("/books?select=zzz(name)", "No foreign key relates books to zzz.", "It is related to "),
        (
            "/authors?select=secret(id)",
            "No foreign key relates authors to secret.",
            "It is related to authors, books, ",
        ),
        ("/books?select=authors(name)", "books and authors are related in more than one way.", "Say which is meant: "),
        ("/books?nope.name=1", "nope is not embedded in this request.", "Name it in select, as in select=*,nope(*)."),
        ("/books?select=tags(word)&tags=1", "tags is an embedded table, which has no value to compare with.", None),
        ("/books?select=tags(word)&order=tags(word)", "A row of books may have many rows of tags: ", None),
        (
            "/books?select=...tags(count())",
            "tags is spread as lists, and no aggregate is made of its rows.",
            "Leave out",
        ),
    ],
)
def test_the_native_profile_tells_errors_in_plain_words(request_line: str, message: str, hint: str | None) -> None:
    with pytest.raises(PellucidError) as fault:
        planned(f"GET {request_line}")
    assert fault.value.message.startswith(message)
    assert hint is None or (fault.value.hint or "").startswith(hint)
    assert "secrets" not in (fault.value.hint or "")


def test_the_native_profile_names_the_alias_to_use() -> None:
    with pytest.raises(NotEmbedded) as fault:
        planned("GET /books?select=labelled:tags(word)&tags.word=eq.x", legacy_target_names=False)
    assert fault.value.hint == "Here it is known as labelled: write that."


def test_an_embedded_table_is_known_by_its_alias_and_for_a_while_by_its_name() -> None:
    request = "GET /books?select=labelled:tags(word)&tags.word=eq.x&labelled.order=word"
    assert 'ORDER BY t1."word"' in read(request)
    with pytest.raises(NotEmbedded) as fault:
        planned(request, POSTGREST, legacy_target_names=False)
    assert fault.value.details == "Target names are not allowed in filters if they have an alias"
    assert fault.value.hint == "Change 'tags' to 'labelled' in filters, orders or limits."


# -- which rows are kept ----------------------------------------------------------------------------------------------


def test_inner_keeps_rows_that_have_some() -> None:
    assert read(f"GET /books?select=title,{BY}!inner(name)").count(" INNER JOIN LATERAL (SELECT t1.") == 1
    text = read("GET /authors?select=name,books!author!inner(title)")
    assert "INNER JOIN LATERAL (SELECT jsonb_agg(r1.*) AS list FROM" in text
    assert text.endswith(") AS e1 ON e1.list IS NOT NULL")


def test_conditions_may_ask_whether_there_are_some() -> None:
    assert read("GET /authors?select=name,books!author(title)&books=is.null").endswith("WHERE e1.list IS NULL")
    assert read(f"GET /books?select=title,{BY}(name)&authors=not.is.null").endswith("WHERE e1.* IS DISTINCT FROM NULL")
    hidden = read("GET /authors?select=name,books!author(),lives()&or=(books.is.null,lives.not.is.null)")
    assert hidden.startswith('SELECT t."name" AS "name" FROM')
    assert hidden.endswith("WHERE (e1.some IS NULL OR e2.* IS DISTINCT FROM NULL)")


def test_an_empty_embed_that_nothing_asks_for_costs_nothing() -> None:
    assert read("GET /authors?select=name,books!author(tags())") == 'SELECT t."name" AS "name" FROM "authors" AS t'


def test_an_embedded_table_is_there_or_not() -> None:
    with pytest.raises(UnfitEmbedFilter, match="Bad operator on the 'tags' embedded resource"):
        planned("GET /books?select=tags(word)&tags=eq.1", POSTGREST)
    assert 't."author" =' in read("GET /books?select=author(name)&author=eq.1")


def test_a_count_asks_for_existence_alone() -> None:
    plan = planned(
        "GET /authors?select=name,books!author!inner(title,tags!inner(word)),lives()&lives=is.null&books.pages=gt.1"
    )
    assert isinstance(plan, Reading)
    assert count(plan.read, Parameters()).replace('"public".', "") == (
        'SELECT count(*) FROM "authors" AS t WHERE NOT EXISTS (SELECT 1 FROM "lives" AS t3 WHERE t."id" = t3."author")'
        ' AND EXISTS (SELECT 1 FROM "books" AS t1 WHERE t."id" = t1."author" AND (t1."pages" > $1::text::pg_catalog.int8)'
        ' AND EXISTS (SELECT 1 FROM "tags" AS t2, "labels" AS j2 WHERE j2."tag" = t2."id" AND t1."id" = j2."book"))'
    )


def test_the_most_rows_bound_every_list_but_no_object() -> None:
    statement = compiled(f"GET /authors?select=name,lives(text),books!author(title,{BY}(name))", most=7)
    assert statement.parameters == (7, 7)
    bound = compiled("GET /authors?select=name,books!author(title)&books.limit=3", most=7)
    assert bound.parameters == (3, 7)


# -- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "order"),
    [
        (f"GET /books?select=title,{BY}(name)&order=authors(name).desc.nullslast", 'e1."name" DESC NULLS LAST'),
        (f"GET /books?select=title,by:{BY}(called:name)&order=by(called)", 'e1."called" ASC'),
        (f"GET /books?select=title,{BY}(facts)&order=authors(facts->a)", '(e1."facts" -> $1::text) ASC'),
        (f"GET /books?select=...{BY}(called:name)&order=authors(called)", 'e1."called" ASC'),
        (
            f"GET /books?select=title,{BY}(id)&order=authors(name)",
            '(SELECT t2."name" FROM "authors" AS t2 WHERE t."author" = t2."id" LIMIT 1) ASC',
        ),
    ],
)
def test_an_order_by_the_one_row_of_another_table(request_: str, order: str) -> None:
    assert read(request_).endswith(f" ORDER BY {order}")


def test_many_rows_have_no_order_to_give() -> None:
    with pytest.raises(UnfitOrder, match="A related order on 'works' is not possible") as fault:
        planned("GET /authors?select=works:books!author(title)&order=works(title)", POSTGREST)
    assert fault.value.details == "'authors' and 'works' do not form a many-to-one or one-to-one relationship"
    with pytest.raises(NotEmbedded):
        planned("GET /authors?select=name&order=books(title)")


# -- spread -----------------------------------------------------------------------------------------------------------


def test_a_spread_row_gives_its_columns() -> None:
    assert read(f"GET /books?select=title,...{BY}(author:name,...mentor(mentor:name))") == (
        'SELECT t."title" AS "title", e1."author" AS "author", e1."mentor" AS "mentor" FROM "books" AS t LEFT JOIN LATERAL'
        ' (SELECT t1."name" AS "author", e2."mentor" AS "mentor" FROM "authors" AS t1 LEFT JOIN LATERAL'
        ' (SELECT t2."name" AS "mentor" FROM "authors" AS t2 WHERE t1."mentor" = t2."id") AS e2 ON TRUE'
        ' WHERE t."author" = t1."id") AS e1 ON TRUE'
    )


def test_spread_rows_give_lists() -> None:
    assert read("GET /books?select=title,...tags!inner(word)&tags.order=id") == (
        'SELECT t."title" AS "title", e1."word" AS "word" FROM "books" AS t INNER JOIN LATERAL'
        ' (SELECT coalesce(jsonb_agg(r1."word"), \'[]\') AS "word", count(*) > 0 AS "@some" FROM'
        ' (SELECT t1."word" AS "word" FROM "tags" AS t1, "labels" AS j1 WHERE j1."tag" = t1."id" AND t."id" = j1."book"'
        ' ORDER BY t1."id" ASC) AS r1) AS e1 ON e1."@some"'
    )


def test_aggregates_are_lifted_out_of_spread_rows() -> None:
    assert read(f"GET /books?select=pages.sum(),...{BY}(name,authors:count(),...mentor(eldest:id.min()))") == (
        'SELECT sum(t."pages") AS "sum", e1."name" AS "name", count(e1."authors") AS "authors", min(e1."eldest") AS "eldest"'
        ' FROM "books" AS t LEFT JOIN LATERAL (SELECT t1."name" AS "name", 1 AS "authors", e2."eldest" AS "eldest"'
        ' FROM "authors" AS t1 LEFT JOIN LATERAL (SELECT t2."id" AS "eldest" FROM "authors" AS t2 WHERE t1."mentor" = t2."id")'
        ' AS e2 ON TRUE WHERE t."author" = t1."id") AS e1 ON TRUE GROUP BY 2'
    )
    with pytest.raises(AggregatesOff):
        planned("GET /books?select=tags(id.max())", aggregates=False)
    with pytest.raises(NotImplementedYet) as fault:
        planned("GET /books?select=title,...tags(id.max())", POSTGREST)
    assert fault.value.details == "Aggregates are not implemented for one-to-many or many-to-many spreads."
