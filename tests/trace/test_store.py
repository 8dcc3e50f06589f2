"""Where traces are kept: bounded by number, size and age, shared by processes, and proof against what it finds there."""

import os
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from pellucid.errors import StartupError
from pellucid.observe import Stage
from pellucid.trace.document import (
    Commit,
    Finding,
    Lock,
    Missing,
    Place,
    Reason,
    Record,
    Row,
    Statement,
    Trace,
)  # fmt: skip
from pellucid.trace.encode import from_bytes, from_json, to_bytes, to_json
from pellucid.trace.options import TraceOptions, header_pairs
from pellucid.trace.store import TraceStore, Wanted

STATEMENT = Statement(
    "select 1", ("1", None), 0.1, 0.01, 0.09, 3, {"Plan": {"Node Type": "Result"}},
    nested=(Statement("select 2"),), policies=("a: b: c",), locks=(Lock("relation", "AccessShareLock", "a", True, 0.2, ("x",)),),
)  # fmt: skip
FULL = Trace(
    "a" * 32, "b" * 16, None, "request", Reason.SLOW, "GET", "/person?age=gt.1", "/{table}", 200, "anon", None, 7, 1_700_000_000.25, 0.5,
    0.01, (Row(Stage.EXECUTE, 0.0, 0.5, {"rows": 3, "sql": "select 1", "small": True}),), (STATEMENT,),
    (Commit("0/1", "0/2",
     records=(Record("0/1", "Heap", "INSERT", 60, "off: 1", ""),), places=(Place("a", "base/1", 0, 1, 8000, 1, "h."),)),),
    (Missing("plans", "no right", "grant it"),), (Finding("most", "what", "because", "do", 0.9),),
)  # fmt: skip


def store(directory: Path, **chosen: object) -> TraceStore:
    return TraceStore(TraceOptions(directory / "traces", **chosen), lambda trace: trace)  # type: ignore[arg-type]


def numbered(number: int, **changes: object) -> Trace:
    changes = {"started": time.time() - 1000 + number} | changes
    return replace(FULL, id=f"{number:032x}", **changes)


def test_json_goes_both_ways() -> None:
    assert from_bytes(to_bytes(FULL)) == FULL
    newer = to_json(FULL) | {"unheard_of": 1}
    assert from_json(newer) == FULL
    older = {name: value for name, value in to_json(FULL).items() if name not in ("statements", "findings")}
    assert from_json(older) == replace(FULL, statements=(), findings=())


def test_what_was_put_is_found_by_another_store(tmp_path: Path) -> None:
    first, second = store(tmp_path), store(tmp_path)
    first.put(numbered(1))
    first.put(numbered(2, status=500, seconds=2.0, route="/signup", reason=Reason.SAMPLED))
    first.settle()
    assert [each["id"] for each in second.find(Wanted())] == [f"{2:032x}", f"{1:032x}"]
    for wanted in (
        Wanted(status=500),
        Wanted(route="/signup"),
        Wanted(seconds=1.0),
        Wanted(reason="sampled"),
        Wanted(limit=1),
    ):
        assert [each["id"] for each in second.find(wanted)] == [f"{2:032x}"]
    kept = second.get(f"{1:032x}")
    assert kept is not None
    assert from_bytes(kept).rows == FULL.rows
    assert second.get(f"{1:032x}-{'b' * 16}") == kept
    for nobody in ("0" * 32, f"{1:032x}-{'c' * 16}", "../secrets", "*", "", f"{1:032X}".replace("1", "A")):
        assert second.get(nobody) is None


def test_the_oldest_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.trace.store._PRUNE_SECONDS", 0.0)
    kept = store(tmp_path, keep=3)
    for number in range(10):
        kept.put(numbered(number))
    kept.settle()
    assert [each["id"] for each in kept.find(Wanted())] == [f"{number:032x}" for number in (9, 8, 7)]
    small = store(tmp_path, keep_bytes=3000)
    small.put(numbered(11))
    small.settle()
    assert len(small.find(Wanted())) == 1
    young = store(tmp_path, keep_seconds=500)
    young.put(numbered(12, started=time.time()))
    young.settle()
    assert [each["id"] for each in young.find(Wanted())] == [f"{12:032x}"]


def test_what_a_killed_process_has_begun_to_write_goes_too(tmp_path: Path) -> None:
    kept = store(tmp_path)
    place = tmp_path / "traces"
    place.mkdir()
    drafts = [place / f".{'1' * 13}-{letter * 32}-{'d' * 16}.json" for letter in "ab"]
    other = place / ".settings.json"
    for path in (*drafts, other):
        path.write_text("{")
    for path in (drafts[0], other):
        os.utime(path, (1, 1))
    kept.put(numbered(1))
    kept.settle()
    assert [path.exists() for path in (*drafts, other)] == [False, True, True]


def test_a_trace_that_is_too_large_loses_its_plans(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.put(numbered(1, statements=(replace(STATEMENT, plan={"Plan": {"Filter": "x" * 2_000_000}}),)))
    kept.settle()
    found = kept.get(f"{1:032x}")
    assert found is not None
    trace = from_bytes(found)
    assert (trace.statements[0].plan, trace.missing[-1].what) == (None, "plans")


def test_what_it_finds_there_does_not_disturb_it(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.put(numbered(1))
    kept.settle()
    place = tmp_path / "traces"
    (place / f"{int(time.time() * 1000):013d}-{'c' * 32}-{'d' * 16}.json").write_bytes(b"\xff not json")
    (place / "something else").write_text("x")
    assert [each["id"] for each in kept.find(Wanted())] == [f"{1:032x}"]


def test_a_directory_that_cannot_be_written_costs_traces_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "traces").write_text("a file stands here")
    kept = store(tmp_path)
    for number in range(3):
        kept.put(numbered(number))
    kept.settle()
    assert kept.lost == 3
    assert [record.message for record in caplog.records] == ["a trace could not be kept"]
    assert kept.find(Wanted()) == []


def test_headers_are_read_as_opentelemetry_writes_them() -> None:
    assert header_pairs("api-key=a%20b, tenant = x,") == (("api-key", "a b"), ("tenant", "x"))
    assert header_pairs("") == ()
    with pytest.raises(StartupError):
        header_pairs("nothing")
