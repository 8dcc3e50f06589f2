"""What may be shown of values: nothing that is not spoken for."""

import pytest

from pellucid.trace.witness.masking import (
    LONGEST,
    Masked,
    anonymous,
    columns_of,
    expression,
    masked,
    of_accounts,
    plan,
    statement,
    unseen,
)
from pellucid.trace.witness.tokens import binds

CANARY = "c4n4ry"


@pytest.mark.parametrize(
    ("sql", "args", "shown"),
    [
        ('select * from "note" as t where t."id" = $1::int4', (7,), ("7",)),
        ("select 1 from note where name = any($1::text[]) limit $2", (["a", "b"], 5), ("{a,b}", "5")),
        (
            "select 1 from note where not (a <> $1) and b is distinct from $2 and c ilike $3",
            (1, "x", "y%"),
            ("1", "x", "y%"),
        ),
        ("select 1 from note where (data)::text = $1", ("x",), ("x",)),
        ("update note set text = $1, done = $2 where id = $3", ("hello", True, None), ("hello", "t", None)),
        (
            "insert into note (id, text) values ($1::int, $2::varchar), ($3, $4) returning id",
            (1, "a", 2, "b"),
            ("1", "a", "2", "b"),
        ),
        ("insert into person (id, password) values ($1, $2)", (1, CANARY), ("1", "***")),
        ('select 1 from person where "api token" = $1', (CANARY,), ("***",)),
        ("select 1 from person where otp = $1", (123456,), ("***",)),
        (
            "select * from json_to_recordset($1::json) as b (id int)",
            (f'{{"id": "{CANARY}"}}',),
            ("*** (text, 16 characters)",),
        ),
        ("select f($1, $2)", (123456, b"bytes"), ("*** (int)", "*** (5 bytes)")),
        ("select f($1)", ([1, 2],), ("*** (2 values)",)),
        ("select * from auth.users where id = $1", ("x",), ("*** (text, 1 characters)",)),
        ('update "auth"."sessions" set "level" = $1', (2,), ("*** (int)",)),
        ("select 1 from note where owner = auth.uid() and id = $1", (3,), ("3",)),
        ("select 1 from note where data = $1", (f'{{"password": "{CANARY}"}}',), ('{"password": ***}',)),
    ],
)
def test_a_parameter_is_shown_where_its_column_is_known_and_no_secret(
    sql: str, args: tuple[object, ...], shown: tuple[str | None, ...]
) -> None:
    assert masked(sql, args).shown == shown


def test_long_ones_are_cut_and_all_can_be_hidden() -> None:
    shown = masked("select 1 from note where text = $1", ("x" * 1000,)).shown[0]
    assert shown is not None
    assert len(shown) < LONGEST + 30
    assert masked("select 1 from note where text = $1", ("x",), all_of_them=True).shown == ("*** (text, 1 characters)",)


def test_constants_in_a_plan_are_shown_where_something_speaks_for_them() -> None:
    known = masked("select 1 from note where text = $1 and colour = 'red' and f($2) and f($3)", ("it's", CANARY, 4711))
    assert expression("((note.text = 'it''s'::text) AND (note.colour = 'red'::text))", known).count("***") == 0
    assert expression("((note.colour = 'red'::text) AND (note.token = 'red'::text))", known).count("***") == 1
    assert expression(f"(f('{CANARY}'::text) AND f(4711))", known) == "(f('***'::text) AND f(***))"
    assert expression(f"(person.password = '{CANARY}'::text)", known) == "(person.password = '***'::text)"
    assert expression("(person.otp = 123456)", known) == "(person.otp = ***)"
    assert expression(f"(a = E'back\\\\slash {CANARY}')", known) == "(a = '***')"


def test_whole_rows_and_statements_are_left_out_of_a_plan() -> None:
    tree = {
        "Plan": {"Node Type": "Result", "Output": [f"'{CANARY}'"], "Plan Rows": 1, "Plans": [{"Filter": "(id = 1)"}]}
    }
    assert plan(tree | {"Query Text": CANARY, "Query Parameters": CANARY}, Masked(numbers=True)) == {
        "Plan": {"Node Type": "Result", "Plan Rows": 1, "Plans": [{"Filter": "(id = 1)"}]}
    }


def test_statements_that_bind_nothing_are_shown_without_their_constants() -> None:
    assert statement("select * from note where state = 'open' and id = $1", bound=True).endswith(
        "state = 'open' and id = $1"
    )
    text = (
        f"select 'a''{CANARY}', $x${CANARY}$x$, E'\\'{CANARY}', 42 -- {CANARY}\n from note /* {CANARY} */ where id = $1"
    )
    bare = anonymous(text)
    assert CANARY not in bare
    assert "42" not in bare
    assert bare.endswith("where id = $1")


@pytest.mark.parametrize(
    "text",
    [
        f"/* it's ours */ insert into note values ('{CANARY}')",
        f"-- don't\nupdate note set text = '{CANARY}'",
        f"/* one /* it's */ two ' */ select '{CANARY}'",
        f'select "it\'s", \'{CANARY}\' from "a "" b\'"',
        f"select e'a\\'{CANARY}', 1",
        f"select E'a'\n  'b\\'{CANARY}'",
        f"select U&'{CANARY}', b'{CANARY}', namee'{CANARY}'",
        f"select '$$', '{CANARY}', '$$'",
        f"select $x$it's {CANARY} $$ $x$, $é${CANARY}$é$",
        f"update note set text = 'it''s {CANARY}",
        f"select e'{CANARY}\\",
        f"select $x${CANARY} $x",
        f"select 1 /* {CANARY} /* */",
        f"select 1 -- {CANARY}",
        f"select a$x$b, '{CANARY}', \"c$x$\" from t",
    ],
)
def test_no_constant_is_shown_however_it_is_written_and_wherever_it_is_cut(text: str) -> None:
    for end in range(len(text) - 3):
        assert CANARY not in anonymous(text[: len(text) - end])
        assert CANARY not in expression(text[: len(text) - end], Masked())


def test_names_and_words_are_left() -> None:
    assert (
        anonymous('select "it\'s 5", a$1$, $1 from t5 where x1 = 1.5e-3')
        == 'select "it\'s 5", a$1$, $1 from t5 where x1 = ?'
    )
    assert anonymous("limit 1_000 offset 0xFF -5 .5 1e5") == "limit ? offset ? ? ? ?"


@pytest.mark.parametrize(
    ("sql", "bound"),
    [
        ("select $1", True),
        ("insert into note values ('$2b$12$hash')", False),
        ("select 'costs $1' /* $1 */ -- $1", False),
        ("select a$1", False),
        ('select "$1"', False),
        ("select 'x' where id=$1::int", True),
    ],
)
def test_values_are_bound_only_where_they_are(sql: str, bound: bool) -> None:
    assert binds(sql) == bound


def test_where_nobody_binds_values_no_constant_of_the_plan_is_shown() -> None:
    sql = f"select id from note where text = '{CANARY}' and id = 4711"
    for known in (masked(sql, ()), unseen(sql), masked(f"{sql} and a = $1", (4711,), all_of_them=True)):
        shown = expression(f"((text = '{CANARY}'::text) AND (id = 4711) AND (a = 1e+20) AND (SubPlan 1))", known)
        assert shown == "((text = '***'::text) AND (id = ***) AND (a = ***) AND (SubPlan 1))"
    ours = unseen("select id from note where text = 'open' and number = 7 and id = $1")
    assert expression("((text = 'open'::text) AND (number = 7) AND (id = 4711))", ours).endswith(
        "(number = 7) AND (id = ***))"
    )


def test_a_parameter_with_a_secret_is_hidden_whatever_else_it_is_for() -> None:
    assert columns_of("select 1 from a where password = $1 or name = $1") == {1: "password"}
    assert columns_of("select f($1) /* name = $1 */, 'name = $1'") == {}


def test_accounts_are_their_tables_and_not_their_functions() -> None:
    assert of_accounts("select * from auth.users")
    assert of_accounts('select * from "auth"."users"')
    assert not of_accounts("select auth.uid(), auth.jwt()")
    assert not of_accounts("select * from oauth.users")


def test_no_text_takes_long() -> None:
    for text in (
        "a" * 100_000,
        "(" * 100_000,
        "a = " * 25_000,
        '"' * 99_999,
        "a::b " * 20_000,
        "$1 " * 30_000,
        "'" * 99_999,
    ):
        columns_of(text)
        anonymous(text)
        of_accounts(text)
