"""The verdict on a whole journey, what a server gives as its reason, and what ran again and again."""

import json

import pytest

from pellucid.observe import Stage
from pellucid.trace.bands import bands
from pellucid.trace.client.complaint import Complaint
from pellucid.trace.client.talk import Head
from pellucid.trace.document import Finding, Reason, Row, Statement, Trace
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.sections import titled
from pellucid.trace.whole import WAY, weighed


def server_of(*rows: Row, seconds: float, **more: object) -> Trace:
    return Trace(
        "0" * 32, "0" * 16, None, "id", Reason.ASKED, "GET", "/x", "/{table}", 200, "anon", None, 1, 0.0, seconds, 0.0, rows, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_client_and_server_are_weighed_against_the_same_time() -> None:
    lock = Finding("lock-wait", "It waited.", "", "", 0.8)
    server = server_of(Row(Stage.EXECUTE, 0, 0.09), seconds=0.1, findings=(Finding("most", "Most.", "", "", 0.9), lock))
    rows = Row(Stage.CONNECT, 0.0, 0.9, {"remote": "r"}), Row(Stage.WAIT, 0.9, 0.1)
    found = weighed(Journey((Hop("GET", "http://h/", rows, status=200, server=server),))).findings
    assert [each.code for each in found] == ["slow-connect", "lock-wait"]
    assert [each.share for each in found] == pytest.approx([0.9, 0.08])


def test_what_the_looking_took_counts_for_nobody() -> None:
    server = server_of(Row(Stage.EXECUTE, 0, 0.09), Row(Stage.TRACE, 0.09, 0.5), seconds=0.59)
    (most,) = weighed(Journey((Hop("GET", "http://h/", (Row(Stage.WAIT, 0.0, 0.62),), server=server),))).findings
    assert most.what == "Most of the time was execute: 90.0 ms of 120 ms (75 %)."


def test_the_way_is_a_place_of_its_own() -> None:
    rows = (Row(Stage.WAIT, 0.0, 0.01),)
    server = server_of(Row(Stage.EXECUTE, 0, 0.002), seconds=0.002)
    (most,) = weighed(Journey((Hop("GET", "http://h/", rows, server=server),))).findings
    assert most.what.startswith(f"Most of the time was {WAY}: 8.00 ms of 10.0 ms")


def test_of_a_journey_without_an_end_nothing_is_summed_up() -> None:
    assert weighed(Journey((Hop("GET", "http://h/", (Row(Stage.DNS, 0, 1),), failure="silent"),))).findings == ()


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        (421, {"title": "Not this server's name", "detail": "x", "hint": "Use another."}, "Not this server's name → Use another."),
        (400, {"error": "invalid_request", "error_description": "Send both."}, "Send both."),
        (404, {"code": "PGRST205", "message": "no such table", "hint": None}, "no such table"),
        (400, {"code": "22P02", "message": 'invalid input: "canary"'}, ""),
        (400, {"code": "P0001", "message": "canary"}, ""),
        (500, ["no object"], ""),
        (200, {"title": "All is well"}, ""),
    ],
)  # fmt: skip
def test_the_reason_of_a_refusal(status: int, said: object, told: str) -> None:
    passed: list[bytes] = []
    complaint = Complaint(passed.append)
    sent = json.dumps(said).encode()
    complaint.hear(sent[:9])
    complaint.hear(sent[9:])
    assert complaint.told(Head(status, "", (("content-type", "application/problem+json"),)), str) == told
    assert b"".join(passed) == sent
    assert complaint.told(Head(status, "", (("content-type", "text/html"),)), str) == ""


def test_what_ran_again_and_again_is_told_once() -> None:
    runs = [Row(Stage.EXECUTE, n * 0.01, 0.005, {"sql": "select $1", "rows": 2, "times": 1}) for n in range(6)]
    statements = tuple(Statement("select $1", (str(n),), seconds=0.001 * n, execution=0.001) for n in range(6))
    other = Statement("select 2", execution=0.001)
    server = server_of(
        *runs, Row(Stage.EXECUTE, 0.06, 0.005, {"sql": "select 2"}), seconds=0.07, statements=(*statements, other)
    )
    shown = bands(Hop("GET", "/x", (Row(Stage.WAIT, 0.0, 0.07),), server=server))
    executed = [bar for bar in shown[1].bars if bar.label == "execute"]
    assert [(len(bar.pieces), bar.facts) for bar in executed] == [
        (6, {"sql": "select $1", "times": 6, "rows": 12}),
        (1, {"sql": "select 2"}),
    ]
    assert [len(bar.pieces) for bar in shown[2].bars] == [7]
    first, last = titled(server)
    assert (first[0], first[1].parameters, first[2][0]) == (
        "Statement 1 of 7",
        ("5",),
        "6 times, 15.0 ms in all; the slowest",
    )
    assert last[0] == "Statement 7 of 7"
