"""The figures as tables for a terminal, and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.competitors import COMPETITORS
from benchmarks.figures import Figure, Results, Size, ratios
from benchmarks.options import Options
from benchmarks.workload import WORKS

MARK = "errors!"


def show(results: Results, console: Console) -> None:
    """Print everything."""
    for connections in sorted({figure.connections for figure in results.figures}):
        console.print(_loads(results, connections))
    if results.lives:
        console.print(_lives(results))
    if results.scaling:
        console.print(_scaling(results))
    if ratios(results):
        console.print(_ratios(results))
    for name, reason in results.skipped.items():
        console.print(f"{title(name)}: not measured; {reason}", markup=False, highlight=False)


def title(name: str) -> str:
    """What somebody is called."""
    return COMPETITORS[name].title


def _loads(results: Results, connections: int) -> Table:
    table = _table(f"{connections} connection{'s' if connections > 1 else ''}", 2)
    for column in ("req/s", "from", "to", "p50 ms", "p99 ms", "CPU s/1,000", ""):
        table.add_column(column, justify="right")
    for work in WORKS:
        figures = [
            each for each in results.figures if (each.work, each.connections) == (work, connections) and each.rounds
        ]
        for number, figure in enumerate(figures):
            table.add_row("" if number else WORKS[work].title, title(figure.competitor), *_cells(figure))
        if figures:
            table.add_section()
    return table


def _cells(figure: Figure) -> Iterator[str]:
    yield f"{figure.rate:,.0f}"
    yield f"{min(figure.rates):,.0f}"
    yield f"{max(figure.rates):,.0f}"
    yield f"{figure.p50:.2f}"
    yield f"{figure.p99:.2f}"
    yield f"{figure.cpu:.3f}"
    yield f"{figure.errors:,} {MARK}" if figure.errors else ""


def _lives(results: Results) -> Table:
    table = _table("To be there", 2)
    for column in ("cold start s", "warm start s", "idle MiB", "under load MiB"):
        table.add_column(column, justify="right")
    for name, life in results.lives.items():
        warm = sorted(life.warm)[len(life.warm) // 2] if life.warm else 0.0
        sizes = (f"{life.cold:.2f}", f"{warm:.2f}", f"{life.idle:,.0f}", f"{life.loaded:,.0f}")
        table.add_row(title(name), life.version, *sizes)
    return table


def _scaling(results: Results) -> Table:
    table = _table("Other sizes, requests a second", 1)
    for column in ("rows", "tables"):
        table.add_column(column, justify="right")
    names = list(dict.fromkeys(figure.competitor for _, figure in results.scaling))
    for name in names:
        table.add_column(title(name), justify="right")
    cells: dict[tuple[Size, str], dict[str, str]] = {}
    for size, figure in results.scaling:
        if figure.rounds:
            cell = f"{figure.rate:,.0f}" + (f" {MARK}" if figure.errors else "")
            cells.setdefault((size, figure.work), {})[figure.competitor] = cell
    for (size, work), row in cells.items():
        size_cells = (WORKS[work].title, f"{size.rows:,}", f"{size.tables:,}")
        table.add_row(*size_cells, *(row.get(name, "") for name in names))
    return table


def _ratios(results: Results) -> Table:
    table = _table("Pellucid as a multiple of others", 2)
    for column in ("is", "wanted", ""):
        table.add_column(column, justify="right")
    words = {True: "yes", False: "no", None: MARK}
    for ratio in ratios(results):
        goal = ratio.goal
        what = f"{WORKS[goal.work].title}, {'latency' if goal.latency else 'requests/s'}, {goal.connections} conn."
        wanted = f"{'≤' if goal.latency else '≥'} {goal.bound:g}"
        table.add_row(what, title(goal.against), f"{ratio.value:.2f}", wanted, words[ratio.reached])
    return table


def _table(heading: str, words: int) -> Table:
    table = Table(title=heading, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for _ in range(words):
        table.add_column("")
    return table


def as_json(results: Results, options: Options, where: dict[str, Any]) -> dict[str, Any]:
    """Everything, each round too, as plain values."""
    chosen = {
        name: str(value) if name in {"json", "svg"} and value else value for name, value in asdict(options).items()
    }
    return {
        "machine": where,
        "options": chosen,
        "lives": {name: asdict(life) for name, life in results.lives.items()},
        "skipped": results.skipped,
        "figures": [_plain(figure) for figure in results.figures if figure.rounds],
        "ratios": [asdict(ratio) for ratio in ratios(results)],
        "scaling": [asdict(size) | _plain(figure) for size, figure in results.scaling if figure.rounds],
    }


def _plain(figure: Figure) -> dict[str, Any]:
    summary = {
        "competitor": figure.competitor, "work": figure.work, "connections": figure.connections, "rate": figure.rate,
        "p50_ms": figure.p50, "p99_ms": figure.p99, "cpu_seconds_per_1000": figure.cpu, "errors": figure.errors,
    }  # fmt: skip
    return summary | {"rounds": [asdict(each.load) | {"cpu_seconds": each.cpu} for each in figure.rounds]}
