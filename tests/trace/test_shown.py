"""The last look before a trace is kept."""

import pytest
from msgspec.structs import replace

from pellucid.observe import Stage
from pellucid.trace.document import Advice, Lock, Missing, Row, Statement
from pellucid.trace.masking import masked
from tests.trace.sample import SERVER

CANARY = "c4n4ry"


@pytest.mark.parametrize(
    "sql",
    [
        f"insert into note (hash) values ('$2b$12${CANARY}')",
        f"insert into note (text) values ('{CANARY}{'y' * 9000}')",
        f"BEGIN; SELECT set_config('request.headers', E'a \\'$1 {CANARY}', true)",
    ],
)
def test_constants_are_hidden_before_a_fact_is_cut(sql: str) -> None:
    shown = masked(replace(SERVER, rows=(Row(Stage.EXECUTE, 0.0, 1.0, {"sql": sql}),)))
    assert CANARY not in repr(shown.rows)


def test_long_facts_are_cut() -> None:
    shown = masked(replace(SERVER, rows=(Row(Stage.EXECUTE, 0.0, 1.0, {"sql": f"select {'a, ' * 5000} $1"}),)))
    assert len(str(shown.rows[0].facts["sql"])) < 8200


def test_nothing_that_is_said_holds_a_secret_or_another_line() -> None:
    said = f"password={CANARY}\n\x9b31m"
    statement = Statement(
        "select 1",
        locks=(Lock("relation", "ShareLock", said, True, 1.0, (said,)),),
        advice=(Advice(said, said, said, 2.0, 1.0),),
    )
    shown = masked(replace(SERVER, statements=(statement,), missing=(Missing(said, said, said),)))
    (lock,), (advice,), (missing,) = shown.statements[0].locks, shown.statements[0].advice, shown.missing
    told = "".join(
        (
            lock.relation or "",
            *lock.holders,
            advice.table,
            advice.sql,
            advice.how,
            missing.what,
            missing.why,
            missing.remedy,
        )
    )
    assert CANARY not in told
    assert told.isprintable()
