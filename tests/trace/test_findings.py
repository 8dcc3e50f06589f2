"""What a client finds by itself, and what it keeps silent about."""

import pytest
from msgspec.structs import replace

from pellucid.observe import Fact, Stage
from pellucid.trace.client.findings import found_by_client
from pellucid.trace.document import Row
from pellucid.trace.journey import Hop, Journey
from tests.trace.sample import JOURNEY, SERVER

USUAL = {
    Stage.DNS: 0.001,
    Stage.CONNECT: 0.002,
    Stage.TLS: 0.004,
    Stage.SEND: 0.0001,
    Stage.WAIT: 0.01,
    Stage.RECEIVE: 0.001,
}


def hop(long: Stage, seconds: float, url: str = "http://a.test/", /, **facts: Fact) -> Hop:
    """A hop with one stage that took longer than usual."""
    rows, start = [], 0.0
    for stage, usual in USUAL.items():
        took = seconds if stage is long else usual
        rows.append(Row(stage, start, took, facts if stage is long else {}))
        start += took
    return Hop("GET", url, tuple(rows), status=200)


CASES: list[tuple[str, Stage, float, dict[str, Fact]]] = [
    ("slow-dns", Stage.DNS, 0.4, {"server": "10.0.0.1:53, UDP", "name": "a.test"}),
    ("slow-dns", Stage.DNS, 4.0, {"trouble": "10.0.0.1:53 (silent)"}),
    ("slow-connect", Stage.CONNECT, 0.3, {"transport": "TCP"}),
    ("dead-address", Stage.CONNECT, 0.3, {"tried": "::1 given up"}),
    ("slow-tls", Stage.TLS, 0.3, {"resumed": False}),
    ("big-download", Stage.RECEIVE, 0.5, {"body_on_wire": 5_000_000}),
    ("slow-server", Stage.WAIT, 0.5, {}),
]


@pytest.mark.parametrize(("code", "stage", "seconds", "facts"), CASES)
def test_what_took_long_is_found(code: str, stage: Stage, seconds: float, facts: dict[str, Fact]) -> None:
    (finding,) = found_by_client(Journey((hop(stage, seconds, **facts),)))
    assert finding.code == code
    assert finding.share > 0.9
    assert finding.do


@pytest.mark.parametrize("stage", list(USUAL))
def test_what_is_usual_is_not(stage: Stage) -> None:
    assert found_by_client(Journey((hop(stage, USUAL[stage]),))) == ()


def test_a_certificate_that_ends_soon_is_told_though_it_took_no_time() -> None:
    (finding,) = found_by_client(Journey((hop(Stage.TLS, 0.004, days_left=5, expires="2026-12-01"),)))
    assert (finding.code, finding.share) == ("certificate-ends", 0.0)
    assert "5 days" in finding.what


def test_redirects_are_told_with_what_they_took() -> None:
    first = replace(hop(Stage.WAIT, 0.01, "http://a.test/"), status=301)
    last = hop(Stage.WAIT, 0.01, "https://a.test/")
    later = replace(last, rows=tuple(replace(row, start=row.start + first.ended) for row in last.rows))
    (finding,) = found_by_client(Journey((first, later)))
    assert (finding.code, finding.do) == ("redirects", "Ask for https://a.test/ at once.")
    assert finding.share == pytest.approx(0.5)


def test_a_wait_that_the_server_does_not_explain_is_the_way() -> None:
    (finding,) = found_by_client(Journey((replace(hop(Stage.WAIT, 0.5), server=SERVER),)))
    assert finding.code == "long-way"


def test_a_request_without_answer_has_its_failure_and_no_findings() -> None:
    assert found_by_client(Journey((replace(hop(Stage.DNS, 4.0), failure="there is no such name"),))) == ()


def test_the_largest_share_comes_first() -> None:
    shares = [finding.share for finding in JOURNEY.findings]
    assert shares == sorted(shares, reverse=True)
