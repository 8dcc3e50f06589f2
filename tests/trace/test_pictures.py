"""A journey as text and as a picture: all of it is there, links lead to the stages, and nothing in it can do harm."""

import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from rich.console import Console

from pellucid.observe import Stage
from pellucid.trace.document import Finding, Row, Statement
from pellucid.trace.drawing import picture
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.page import DOCS, duration, size
from pellucid.trace.printing import sheet_of, show
from pellucid.trace.waterfall import waterfall
from tests.trace.sample import HOP, JOURNEY, SERVER

ROOT = Path(__file__).parents[2]
SAID = [
    "GET https://api.example.com/orders",
    "200 OK",
    "203.0.113.7:443",
    "TLS 1.3",
    "unaccounted",
    "Seq Scan on orders",
    "Rows Removed by Filter: 95,880",
    "4,120",
    "own_orders: owner = (select auth.uid())",
    "held by 8790: alter table orders",
    "visits_touch on visits",
    "0/1A2B3C8",
    "Btree INSERT_LEAF",
    "base/16384/16402",
    "line pointer 37",
    "pg_locks is not open to this role",
    "grant pg_read_all_stats to authenticator",
    "create index on orders (owner, state, created_at desc)",
    "0.4 ms in place of 13.9 ms.",
]


def text(journey: Journey, *, terminal: bool, columns: int = 140) -> str:
    stream = StringIO()
    console = Console(
        file=stream, force_terminal=terminal, width=columns, color_system="truecolor" if terminal else None
    )
    show(waterfall(journey, sheet_of(console)), console)
    return stream.getvalue()


def bare(shown: str) -> str:
    """What a terminal shows, without its colours and links."""
    return re.sub(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[\d;]*m", "", shown)


@pytest.mark.parametrize("said", SAID)
def test_all_is_said_everywhere(said: str) -> None:
    assert said in text(JOURNEY, terminal=False)
    assert said in " ".join(bare(text(JOURNEY, terminal=True)).split())
    assert said in " ".join(ET.fromstring(picture(JOURNEY)).itertext())


def test_a_pipe_gets_plain_text() -> None:
    shown = text(JOURNEY, terminal=False)
    assert "\x1b" not in shown
    assert not re.search(r"[─-╿▀-▟]", shown)
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_a_terminal_gets_bars_and_links_to_each_stage() -> None:
    shown = text(JOURNEY, terminal=True)
    assert "█" in shown
    for row in (*HOP.rows, *SERVER.rows):
        assert f"{DOCS}#{row.stage}" in shown


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_no_line_of_the_waterfall_is_wider_than_the_terminal(columns: int) -> None:
    shown = bare(text(JOURNEY, terminal=True, columns=columns)).partition("What was seen")[0]
    assert max(len(line) for line in shown.splitlines()[1:]) <= min(columns, 160)


def test_the_verdict_comes_last() -> None:
    assert text(JOURNEY, terminal=False).rpartition("Verdict")[2].lstrip().startswith("42 %")


def test_the_picture_stands_by_itself() -> None:
    drawn = picture(JOURNEY)
    assert re.findall(r"(?:href|src)=", drawn) == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg|api\.example\.com)", drawn) == []
    assert "<script" not in drawn
    assert "prefers-color-scheme: dark" in drawn


def test_the_links_of_the_picture_lead_to_headings() -> None:
    headings = set(re.findall(r"^### (\w+)$", (ROOT / DOCS).read_text(), re.MULTILINE))
    links = re.findall(r'<a href="([^"]*)"', picture(JOURNEY, DOCS))
    assert {link.partition("#")[0] for link in links} == {DOCS}
    assert {link.partition("#")[2] for link in links} <= headings
    assert len(links) == len(HOP.rows) + len(SERVER.rows)


EVIL = 'x\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>"&\u202e\x00'


def evil() -> Journey:
    """A server that says the worst everywhere."""
    facts = {EVIL: EVIL}
    plan = {"Plan": {"Node Type": EVIL, "Filter": EVIL, "Plan Rows": 1}}
    server = replace(
        SERVER,
        id=EVIL,
        request_id=EVIL,
        role=EVIL,
        rows=(Row(Stage.EXECUTE, 0.0, 0.001, facts),),
        statements=(Statement(EVIL, (EVIL,), 0.001, plan=plan, policies=(EVIL,)),),
    )
    rows = (*HOP.rows[:1], replace(HOP.rows[1], facts={"remote": EVIL, "transport": EVIL}), *HOP.rows[2:])
    hop = replace(HOP, url=EVIL, reason=EVIL, http=EVIL, rows=rows, server=server)
    return Journey((hop,), (Finding("x", EVIL, EVIL, EVIL, 0.5, EVIL),))


def test_what_a_server_says_cannot_command_a_terminal() -> None:
    for terminal in (True, False):
        shown = bare(text(evil(), terminal=terminal))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", shown)


def test_what_a_server_says_is_text_in_the_picture() -> None:
    drawn = picture(evil())
    root = ET.fromstring(drawn)
    assert {element.tag.partition("}")[2] for element in root.iter()} <= {
        "svg", "title", "style", "defs", "pattern", "line", "circle", "rect", "a", "text", "tspan", "path",
    }  # fmt: skip


def test_a_request_that_failed_is_drawn_as_far_as_it_came() -> None:
    hop = Hop(
        "GET",
        "http://a.test/",
        (Row(Stage.DNS, 0.0, 0.01, {"failed": "there is no such name"}),),
        failure="there is no such name",
    )
    shown = text(Journey((hop,)), terminal=False)
    assert "no answer" in shown
    assert "There is no answer: there is no such name" in shown
    assert "There is no answer" in picture(Journey((hop,)))


def test_nothing_at_all_can_be_drawn_too() -> None:
    empty = Journey((Hop("GET", "http://a.test/", (), failure="the address is not one"),))
    assert "0.00 ms" in text(empty, terminal=True)
    assert ET.fromstring(picture(empty)) is not None


def test_each_hop_is_drawn() -> None:
    moved = replace(HOP, url="http://api.example.com/", status=301, reason="Moved", server=None)
    both = Journey((moved, HOP))
    for shown in (text(both, terminal=False), picture(both)):
        assert "301 Moved" in shown
        assert "200 OK" in shown


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0.00 ms"),
        (4e-6, "4 µs"),
        (0.00042, "0.42 ms"),
        (0.0315, "31.5 ms"),
        (0.25, "250 ms"),
        (1.25, "1.25 s"),
        (600, "10 min"),
        (86_400, "24 h"),
        (7 * 86_400, "7 days"),
    ],
)
def test_times_have_three_figures(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_sizes_have_three_figures() -> None:
    assert [size(count) for count in (0, 184, 12_345, 4_560_000, 2e9)] == ["0 B", "184 B", "12.3 kB", "4.56 MB", "2 GB"]
