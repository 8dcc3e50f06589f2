"""From rounds to figures, ratios, tables and the chart."""

import io
import json
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from benchmarks.chart import draw
from benchmarks.competitors.pgbench import outcome
from benchmarks.figures import Figure, Life, Results, Round, Size, ratios
from benchmarks.generator import Load
from benchmarks.generator import outcome as printed
from benchmarks.options import Options, parse
from benchmarks.report import as_json, show


def figure(
    name: str, *rates: int, work: str = "get", connections: int = 32, errors: int = 0, p50: float = 1.0
) -> Figure:
    rounds = [Round(Load(rate * 2, 2.0, errors, p50, 9.0), cpu=0.5) for rate in rates]
    return Figure(name, work, connections, rounds)


def results(*figures: Figure) -> Results:
    lives = {each.competitor: Life("1.0", cold=2.0, warm=[1.0]) for each in figures}
    return Results(lives, {"postgrest": "it is not [here]"}, list(figures), [(Size(1_000), figures[0])])


def test_a_figure_is_the_median_of_its_rounds() -> None:
    measured = figure("pellucid", 100, 300, 200)
    assert (measured.rate, min(measured.rates), max(measured.rates)) == (200, 100, 300)
    assert measured.cpu == pytest.approx(1.25)
    assert (measured.p50, measured.p99, measured.errors) == (1.0, 9.0, 0)


def test_ratios_are_told_for_what_was_measured() -> None:
    told = ratios(results(figure("pellucid", 300), figure("orm", 20), figure("pocketbase", 200)))
    assert [(each.goal.against, each.value, each.reached) for each in told] == [
        ("orm", 15, True),
        ("pocketbase", 1.5, False),
    ]


def test_latency_is_better_when_it_is_less() -> None:
    told = ratios(results(figure("pellucid", 1, connections=1, p50=1.0), figure("orm", 1, connections=1, p50=4.0)))
    assert [(each.goal.latency, each.value, each.reached) for each in told] == [(True, 0.25, True)]


def test_a_figure_with_errors_reaches_nothing_and_is_marked() -> None:
    measured = results(figure("pellucid", 300, errors=7), figure("orm", 1))
    assert [each.reached for each in ratios(measured)] == [None]
    assert "7 errors!" in shown(measured)
    assert "Pellucid" not in "".join(ET.fromstring(draw(measured, "here")).itertext()).replace("Requests", "")


def test_everything_is_shown() -> None:
    text = shown(results(figure("pellucid", 300), figure("orm", 20), figure("pgbench", 900, work="insert")))
    for part in (
        "GET one row by key",
        "Insert one row",
        "FastAPI + ORM",
        "300",
        "≥ 15",
        "1,000",
        "it is not [here]",
    ):
        assert part in text


def test_the_figures_are_plain_json() -> None:
    plain = json.loads(json.dumps(as_json(results(figure("pellucid", 300, 100)), Options(), {"cores": 2})))
    assert plain["figures"][0]["rate"] == 200
    assert len(plain["figures"][0]["rounds"]) == 2


def test_the_chart_says_in_words_what_it_shows() -> None:
    chart = ET.fromstring(draw(results(figure("pellucid", 3000), figure("orm", 20)), "a & b"))
    assert "GET one row by key: Pellucid 3,000, FastAPI + ORM 20" in chart.attrib["aria-label"]
    widths = [float(each.attrib["width"]) for each in chart.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[0] / widths[1] == pytest.approx(150, rel=0.05)


def test_a_chart_of_nothing_can_be_drawn() -> None:
    assert ET.fromstring(draw(Results(), "here")) is not None


def test_pgbench_is_understood() -> None:
    text = """
number of transactions actually processed: 2000/4000
number of failed transactions: 3 (0.150%)
latency average = 0.500 ms
tps = 1000.000000 (without initial connection time)
"""
    assert outcome(text, [0.4, 0.5, 0.9]) == Load(2000, 2.0, 3, 0.5, 0.5)


def test_a_generator_is_understood() -> None:
    line = '{"requests":10,"seconds":2.0,"errors":1,"p50":0.5,"p99":0.9}'
    assert printed(f"Running 1s test\n{line}\nmore") == Load(10, 2.0, 1, 0.5, 0.9)


def test_options_are_those_of_the_command_line() -> None:
    assert parse([]) == Options()
    assert parse(["--quick", "--rounds", "2"]).rounds == 2
    assert parse(["--quick"]).seconds == 1
    assert parse(["--against", "orm"]).against == ("pellucid", "orm")
    assert parse(["--rows", "1e4", "--scale-rows", "1e5", "1e6", "--no-pin"]).rows == (100_000, 1_000_000)


def test_rows_are_shared_out_evenly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--rows", "1500"])
    assert "multiple of 1000" in capsys.readouterr().err


def test_a_table_only_grows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--scale-rows", "1e4"])
    assert "begin with fewer" in capsys.readouterr().err


def shown(measured: Results) -> str:
    out = io.StringIO()
    show(measured, Console(file=out, width=200))
    return out.getvalue()
