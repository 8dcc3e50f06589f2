"""The vocabulary of the stages, and recordings."""

import asyncio

import pytest

from pellucid.observe import ALL, Recording, Span, Stage, deep, hear, listen, observe, remark, unlisten

VOCABULARY = [
    "dns", "connect", "tls", "send", "wait", "receive",
    "proxy", "server", "identity", "parse", "validate", "plan", "pool", "session", "execute", "commit", "respond",
    "planning", "execution", "locks", "wal", "disk",
    "trace",
]  # fmt: skip


def test_the_vocabulary_stands() -> None:
    """Dashboards, traces and the documentation depend on these words."""
    assert [str(stage) for stage in Stage] == VOCABULARY


def test_a_stay_is_recorded_with_its_facts() -> None:
    recording, token = listen()
    try:
        with observe(Stage.PLAN, table="people") as span:
            span.note(nodes=3, cached=True)
            assert span.seconds == 0.0
    finally:
        unlisten(token)
    assert recording.spans == [span]
    assert (span.stage, span.facts) == (Stage.PLAN, {"table": "people", "nodes": 3, "cached": True})
    assert span.ended is not None
    assert span.ended >= span.started >= recording.started
    assert span.seconds == span.ended - span.started


def test_stays_are_kept_in_the_order_in_which_they_began_and_are_summed_up() -> None:
    recording = Recording()
    recording.spans += [
        Span(Stage.POOL, 1.0, 2.0),
        Span(Stage.EXECUTE, 2.0, 5.0),
        Span(Stage.POOL, 7.0, 7.5),
        Span(Stage.COMMIT, 8.0),
    ]
    assert recording.totals() == {Stage.POOL: 1.5, Stage.EXECUTE: 3.0, Stage.COMMIT: 0.0}
    assert list(recording.totals()) == [Stage.POOL, Stage.EXECUTE, Stage.COMMIT]


def test_a_stay_ends_when_its_block_raises() -> None:
    recording, token = listen()
    with pytest.raises(RuntimeError), observe(Stage.EXECUTE):
        raise RuntimeError
    unlisten(token)
    assert recording.spans[0].ended is not None


def test_when_nobody_listens_nothing_is_made_and_nothing_is_kept() -> None:
    with observe(Stage.PLAN, table="people") as first:
        first.note(nodes=3)
    with observe(Stage.COMMIT) as second:
        pass
    assert first is second
    assert first.facts == {}
    assert first.seconds == 0.0


def test_a_recording_inside_another_hears_its_part_and_the_outer_hears_all() -> None:
    outer, outer_token = listen()
    with observe(Stage.PARSE):
        pass
    inner, inner_token = listen()
    with observe(Stage.PLAN):
        pass
    unlisten(inner_token)
    with observe(Stage.EXECUTE):
        pass
    unlisten(outer_token)
    with observe(Stage.COMMIT):
        pass
    assert [span.stage for span in inner.spans] == [Stage.PLAN]
    assert [span.stage for span in outer.spans] == [Stage.PARSE, Stage.PLAN, Stage.EXECUTE]
    assert outer.spans[1] is inner.spans[0]


async def test_tasks_record_for_themselves_and_threads_for_those_who_sent_them() -> None:
    both = asyncio.Barrier(2)

    def work() -> None:
        with observe(Stage.DISK):
            pass

    async def request(stage: Stage) -> Recording:
        recording, token = listen()
        with observe(stage):
            await both.wait()
            await asyncio.to_thread(work)
        unlisten(token)
        return recording

    plan, execute = await asyncio.gather(request(Stage.PLAN), request(Stage.EXECUTE))
    assert [span.stage for span in plan.spans] == [Stage.PLAN, Stage.DISK]
    assert [span.stage for span in execute.spans] == [Stage.EXECUTE, Stage.DISK]


def test_how_deeply_somebody_looks_is_told_to_the_emitters() -> None:
    assert deep() == 0
    with observe(Stage.PLAN) as span:
        assert span.depth == 0
    listening = hear(Recording(depth=ALL))
    with observe(Stage.PLAN) as span:
        assert (span.depth, deep()) == (ALL, ALL)
    _, inner = listen()
    assert deep() == ALL
    unlisten(inner)
    unlisten(listening)
    assert deep() == 0


def test_a_remark_goes_to_the_last_stay_in_its_stage() -> None:
    remark(Stage.PLAN, nobody="listens")
    recording, token = listen()
    with observe(Stage.PLAN), observe(Stage.POOL):
        remark(Stage.PLAN, nodes=3)
    with observe(Stage.PLAN):
        remark(Stage.PLAN, nodes=4)
        remark(Stage.COMMIT, met="never")
    unlisten(token)
    assert [dict(span.facts) for span in recording.spans] == [{"nodes": 3}, {}, {"nodes": 4}]
