"""What can be chosen."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.competitors import COMPETITORS, USUAL
from benchmarks.generator import Program
from benchmarks.workload import PEOPLE, ROWS, WORKS


@dataclass(frozen=True, slots=True)
class Options:
    """One run. ``rows`` and ``tables`` are the sizes of other worlds to measure afterwards."""

    only: tuple[str, ...] = tuple(WORKS)
    against: tuple[str, ...] = USUAL
    connections: tuple[int, ...] = (1, 32, 256)
    seconds: int = 5
    rounds: int = 5
    starts: int = 3
    workers: int = 1
    pinned: bool = True
    generator: Program | None = None
    postgrest: str | None = None
    before: str | None = None
    base: int = ROWS
    rows: tuple[int, ...] = ()
    tables: tuple[int, ...] = ()
    json: Path | None = None
    svg: Path | None = None


QUICK = Options(connections=(1, 32), seconds=1, rounds=1, starts=1)


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The options of the command line."""
    parser = _parser()
    chosen = vars(parser.parse_args(arguments))
    standard = QUICK if chosen.pop("quick") else Options()
    given = {
        name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items() if value is not None
    }
    if "against" in given:
        given["against"] = tuple(dict.fromkeys(("pellucid", *given["against"])))
    options = Options(**{name: given.get(name, getattr(standard, name)) for name in Options.__dataclass_fields__})
    if any(rows < options.base for rows in options.rows):
        parser.error(f"--scale-rows: the table grows from --rows, which are {options.base}; begin with fewer")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='make bench ARGS="…"', description="Measure Pellucid against others on this machine."
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=WORKS, help="these kinds of work alone")
    add("--against", nargs="+", choices=COMPETITORS, help="these alone, beside Pellucid")
    add("--connections", type=_positive, nargs="+", help="numbers of connections (1 32 256)")
    add("--seconds", type=_positive, help="the length of each load (5)")
    add("--rounds", type=_positive, help="how often each is measured (5)")
    add("--quick", action="store_true", help="one round of one second at 1 and 32 connections: a trial, no measurement")
    add("--workers", type=_positive, help="processes of each Python server (1)")
    add("--no-pin", dest="pinned", action="store_false", default=None, help="keep nobody on cores")
    add("--generator", choices=["wrk", "python"], help="what makes the load (wrk where it is installed)")
    add("--postgrest", metavar="PATH", help="PostgREST's program")
    add("--before", metavar="PATH", help="the Python of an environment that has an earlier Pellucid")
    add("--rows", dest="base", type=_rows, help=f"rows of the table ({ROWS})")
    add(
        "--scale-rows",
        dest="rows",
        type=_rows,
        nargs="+",
        metavar="ROWS",
        help="measure afterwards with so many rows too",
    )
    add("--scale-tables", dest="tables", type=_positive, nargs="+", metavar="TABLES", help="and with so many tables")
    add("--json", type=Path, metavar="FILE", help="write all figures there")
    add("--svg", type=Path, metavar="FILE", help="draw the chart there")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def _rows(text: str) -> int:
    number = int(float(text))
    if number < PEOPLE or number % PEOPLE:
        raise argparse.ArgumentTypeError(f"it must be a multiple of {PEOPLE}: each person owns as many")
    return number
