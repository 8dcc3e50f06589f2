"""What a trace of a real request tells: where the time went, and what each stage knows."""

from pathlib import Path
from typing import Any

import pytest

from pellucid.observe import Stage
from pellucid.trace.document import Reason, Row, Trace
from tests.conftest import Clone
from tests.trace.place import opened

ADA = {"email": "ada@example.com", "password": "an engine of brass"}


def row(trace: Trace, stage: Stage, **facts: Any) -> Row:
    for each in trace.rows:
        if each.stage is stage and all(each.facts.get(name) == fact for name, fact in facts.items()):
            return each
    raise AssertionError(f"no {stage} with {facts} in {[(each.stage.value, dict(each.facts)) for each in trace.rows]}")


def accounted(trace: Trace) -> float:
    return 1.0 - trace.unaccounted / trace.seconds


@pytest.mark.parametrize("how", ["full", "light"])
async def test_a_read_is_told_from_the_socket_to_the_answer(clone: Clone, tmp_path: Path, how: str) -> None:
    async with opened(clone, tmp_path, wire=True) as place:
        await place.client.get("/person/7")
        answer, trace = await place.traced("GET", "/person/7", how=how)
        assert answer.json()["id"] == 7
    assert (trace.reason, trace.method, trace.route, trace.status) == (Reason.ASKED, "GET", "/{table}/{key}", 200)
    assert (trace.role, trace.request_id) == ("anon", answer.headers["x-request-id"])
    server = row(trace, Stage.SERVER, part="loop").facts
    assert (server["request_of_connection"], server["connection_reused"], server["protocol"]) == (2, True, "HTTP/1.1")
    assert row(trace, Stage.IDENTITY, proof="none", role="anon")
    assert row(trace, Stage.PARSE, name="person", key=1)
    assert row(trace, Stage.VALIDATE, table="public.person")
    assert row(trace, Stage.PLAN, operation="reading", small=True)
    execute = row(trace, Stage.EXECUTE, rows=1, shared=1)
    assert "person" in str(execute.facts["sql"])
    responded = row(trace, Stage.RESPOND, status=200)
    assert responded.facts["body_bytes"] == len(answer.content)
    if how == "full":
        assert row(trace, Stage.POOL, size=10).facts["backend"]
        assert row(trace, Stage.SESSION, role="anon", access="read only", isolation="read committed", where="primary")
        assert row(trace, Stage.COMMIT)
    else:
        assert execute.facts["pool_size"] == 10
    assert trace.findings


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/person/7", None), ("GET", "/person?limit=50", None), ("POST", "/person", {"name": "Ada", "age": 36})],
)
async def test_the_stages_account_for_nearly_all_of_the_time(
    clone: Clone, tmp_path: Path, method: str, path: str, body: Any
) -> None:
    async with opened(clone, tmp_path, wire=True) as place:
        shares = []
        for _ in range(9):
            _, trace = await place.traced(method, path, json=body)
            shares.append(accounted(trace))
            assert all(each.start >= 0 and each.start + each.seconds <= trace.seconds + 1e-6 for each in trace.rows)
    assert sorted(shares)[len(shares) // 2] >= 0.95, shares


async def test_a_sign_up_and_a_login_are_told(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, wire=True) as place:
        answer, trace = await place.traced("POST", "/signup", json=ADA)
        assert answer.status_code == 201, answer.text
        assert row(trace, Stage.IDENTITY, work="password hash")
        assert row(trace, Stage.SERVER, part="route")
        assert row(trace, Stage.SESSION, role="pellucid_accounts")
        assert row(trace, Stage.COMMIT)
        assert accounted(trace) >= 0.95
        _, trace = await place.traced("POST", "/login", json=ADA)
        assert row(trace, Stage.IDENTITY, work="password check")
        assert accounted(trace) >= 0.95
