"""One run: everybody is started, filled and checked; then each load has its turn on everybody, again and again."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.competitors import COMPETITORS, Competitor, Place
from benchmarks.figures import Figure, Life, Results, Round, Size
from benchmarks.generator import Load, choose
from benchmarks.options import Options
from benchmarks.processes import cpu_seconds, divide, keep, memory
from benchmarks.schema import TABLES_ROWS
from benchmarks.workload import WORKS

WARM_UP = 1
SETTLED = 0.8
"""The share of a warm-up after which memory is looked at."""
SCALED = ("get", "list", "insert")
SCALED_CONNECTIONS = 32

BROKEN = Load(requests=0, seconds=1.0, errors=1, p50=0.0, p99=0.0)
"""What a load counts as that could not be made."""

Turn = tuple[Competitor, Figure]


class Run:
    """A run under way. `results` has what there is so far."""

    def __init__(self, options: Options, directory: Path) -> None:
        """Prepare; nothing is started before `go`."""
        self.options = options
        self.results = Results()
        self.cores = divide(options.workers) if options.pinned else None
        self.program = choose(options.generator)
        self._directory = directory

    def go(self) -> None:
        """Measure. Whatever ends it, everybody is stopped."""
        with self._everybody() as present:
            self._rounds(present)
            self._scale(present)

    # -- lives ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _everybody(self) -> Iterator[list[Competitor]]:
        """Those who are there and answer rightly."""
        with ExitStack() as stack:
            stack.callback(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
            try:
                yield [each for name in self.options.against if (each := self._bring(name, stack)) is not None]
            finally:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # nobody is left behind when Ctrl-C is pressed twice

    def _bring(self, name: str, stack: ExitStack) -> Competitor | None:
        """Start somebody, or write down why not."""
        competitor = COMPETITORS[name](self._place(name))
        reason = competitor.absent()
        if reason is None:
            say(f"starting {competitor.title}")
            stack.callback(competitor.stop)
            try:
                self._settle(competitor)
            except Exception as fault:  # noqa: BLE001 - whatever it is, the others are measured
                reason = f"it does not work: {fault or type(fault).__name__}"
                competitor.stop()
        if reason is None:
            return competitor
        self.results.skipped[name] = reason
        self.results.lives.pop(name, None)
        say(f"{competitor.title} is left out: {reason}")
        return None

    def _place(self, name: str) -> Place:
        directory = self._directory / name
        directory.mkdir(mode=0o755)
        options = self.options
        return Place(
            directory,
            self.cores,
            self.program,
            workers=options.workers,
            postgrest=options.postgrest,
            before=options.before,
        )

    def _settle(self, competitor: Competitor) -> None:
        """Start it cold, fill it, start it warm, and see that it answers rightly."""
        cold = timed(competitor.start)
        life = self.results.lives[competitor.name] = Life(competitor.version(), cold)
        competitor.fill(self.options.base)
        for _ in range(self.options.starts):
            competitor.stop()
            life.warm.append(timed(competitor.start))
        keep(competitor.roots, self.cores, whole=competitor.whole)
        life.idle = memory(competitor.roots)
        for work in competitor.works:
            competitor.check(WORKS[work])

    # -- loads ---------------------------------------------------------------------------------------------------------

    def _rounds(self, present: Sequence[Competitor]) -> None:
        turns = list(self._turns(present))
        self.results.figures = [figure for _, figure in turns]
        self._warm_up(present)
        for count in range(self.options.rounds):
            say(f"round {count + 1} of {self.options.rounds}: {len(turns)} loads of {self.options.seconds} s")
            for competitor, figure in turns if count % 2 == 0 else reversed(turns):
                self._measure(competitor, figure)

    def _turns(self, present: Sequence[Competitor]) -> Iterator[Turn]:
        """Everybody's loads; the same load of all follows on one another."""
        for connections in self.options.connections:
            for work in self.options.only:
                for competitor in present:
                    if work in competitor.works:
                        yield competitor, Figure(competitor.name, work, connections)

    def _warm_up(self, present: Sequence[Competitor]) -> None:
        """One load of each work that does not count; and how much memory it takes."""
        connections = max(self.options.connections)
        for competitor in present:
            say(f"warming up {competitor.title}")
            life = self.results.lives[competitor.name]
            for work in self.options.only:
                if work in competitor.works:
                    life.loaded = max(life.loaded, self._occupied(competitor, work, connections))

    @staticmethod
    def _occupied(competitor: Competitor, work: str, connections: int) -> float:
        found: list[float] = []
        look = threading.Timer(WARM_UP * SETTLED, lambda: found.append(memory(competitor.roots)))
        look.start()
        competitor.load(WORKS[work], connections, WARM_UP)
        look.join()
        return max(found)

    def _measure(self, competitor: Competitor, figure: Figure) -> None:
        before = cpu_seconds(competitor.roots)
        try:
            load = competitor.load(WORKS[figure.work], figure.connections, self.options.seconds)
        except RuntimeError as fault:
            say(f"{competitor.title}: {fault}")
            load = BROKEN
        figure.rounds.append(Round(load, cpu_seconds(competitor.roots) - before))

    # -- other sizes ---------------------------------------------------------------------------------------------------

    def _scale(self, present: Sequence[Competitor]) -> None:
        """The same loads in larger worlds."""
        rivals = [each for each in present if set(SCALED) <= set(each.works)]
        for rows in sorted(self.options.rows):
            for each in rivals:
                if rows > each.rows:
                    say(f"filling {each.title} with {rows:,} rows")
                    each.fill(rows)
                    each.check(WORKS["get"])
            self._scaled(rivals, Size(rows), SCALED)
        for tables in sorted(self.options.tables):
            say(f"making {tables:,} tables")
            self._scaled([each for each in rivals if each.spread(tables)], Size(TABLES_ROWS, tables), ("get",))

    def _scaled(self, rivals: Sequence[Competitor], size: Size, works: Sequence[str]) -> None:
        turns = [(each, Figure(each.name, work, SCALED_CONNECTIONS)) for work in works for each in rivals]
        self.results.scaling += [(size, figure) for _, figure in turns]
        for competitor, figure in turns:
            competitor.load(WORKS[figure.work], figure.connections, WARM_UP)
        for count in range(self.options.rounds):
            say(f"{size.rows:,} rows, {size.tables:,} tables: round {count + 1} of {self.options.rounds}")
            for competitor, figure in turns:
                self._measure(competitor, figure)


def timed(work: Callable[[], None]) -> float:
    """How many seconds it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def say(text: str) -> None:
    """Tell on standard error what goes on."""
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)
