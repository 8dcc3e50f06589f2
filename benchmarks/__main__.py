"""``make bench``: Pellucid and others, on this machine in one run. What it is and how to read it: docs/how-to/benchmark.md."""

import json
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from benchmarks.chart import draw
from benchmarks.machine import busy, describe
from benchmarks.measure import Run, say
from benchmarks.options import Options, parse
from benchmarks.report import as_json, show

BUSY = 0.15
"""The share of the machine that others may use before a word is said about it."""
INTERRUPTED = 130


def main() -> None:
    """Measure, print, and write what was asked for. Interrupted, it still prints what it has."""
    options, others = parse(), busy()
    where = describe() | {"busy_before": others}
    signal.signal(signal.SIGTERM, interrupt)
    if others > BUSY:
        say(f"others use {others:.0%} of this machine: what comes out is no measurement")
    with tempfile.TemporaryDirectory(prefix="pellucid-bench-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)  # PostgreSQL's own account goes through it when root measures
        run = Run(options, Path(directory))
        try:
            run.go()
        except KeyboardInterrupt:
            say("stopped; this is what there is")
            finish(run, options, where)
            sys.exit(INTERRUPTED)
        finish(run, options, where)


def interrupt(*_: object) -> NoReturn:
    """SIGTERM ends a run as Ctrl-C does."""
    raise KeyboardInterrupt


def finish(run: Run, options: Options, where: Mapping[str, Any]) -> None:
    """Print and write the results."""
    cores = "nobody is kept on cores" if run.cores is None else run.cores.told()
    seconds = f"{options.rounds} rounds of {options.seconds} s each, interleaved"
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(
        f"{where['processor']}, {where['cores']} cores, Python {where['python']}; {seconds}; load by {run.program}"
    )
    console.print(f"Cores: {cores}", highlight=False)
    show(run.results, console)
    if options.json:
        chosen = {"generator": run.program, "placement": cores}
        options.json.write_text(json.dumps(as_json(run.results, options, {**where, **chosen}), indent=2) + "\n")
    if options.svg:
        rounds = f"the median of {options.rounds}, {options.seconds} s each"
        machine = f"{where['processor']}, {where['cores']} cores, workers: {options.workers}; {rounds}"
        options.svg.write_text(draw(run.results, machine))


if __name__ == "__main__":
    main()
