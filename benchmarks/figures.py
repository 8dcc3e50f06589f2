"""What was measured, and what follows from it."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.generator import Load


@dataclass(frozen=True, slots=True)
class Round:
    """One load and the processor time (seconds) that server and database used for it."""

    load: Load
    cpu: float


@dataclass(slots=True)
class Figure:
    """All rounds of one load on one competitor. Latency is in milliseconds."""

    competitor: str
    work: str
    connections: int
    rounds: list[Round] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        """Requests a second of each round."""
        return [each.load.rate for each in self.rounds]

    @property
    def rate(self) -> float:
        """Their median."""
        return statistics.median(self.rates)

    @property
    def p50(self) -> float:
        """The latency that half of the requests stayed below: the median of the rounds."""
        return statistics.median(each.load.p50 for each in self.rounds)

    @property
    def p99(self) -> float:
        """The latency that all but a hundredth stayed below: the median of the rounds."""
        return statistics.median(each.load.p99 for each in self.rounds)

    @property
    def cpu(self) -> float:
        """Processor seconds for a thousand requests: the median of the rounds."""
        return statistics.median(1000 * each.cpu / max(each.load.requests, 1) for each in self.rounds)

    @property
    def errors(self) -> int:
        """Answers that were none or wrong. Where there are any, the figure means nothing."""
        return sum(each.load.errors for each in self.rounds)


@dataclass(slots=True)
class Life:
    """What one competitor takes to be there: seconds until the first answer, from nothing (``cold``) and on its data (``warm``); and
    memory in MiB, ``idle`` and the most under load (``loaded``)."""

    version: str
    cold: float
    warm: list[float] = field(default_factory=list)
    idle: float = 0.0
    loaded: float = 0.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is."""

    rows: int
    tables: int = 1


@dataclass(slots=True)
class Results:
    """Everything of one run. ``skipped`` tells why somebody was not measured; ``scaling`` has the figures in worlds of other sizes."""

    lives: dict[str, Life] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    scaling: list[tuple[Size, Figure]] = field(default_factory=list)

    def find(self, competitor: str, work: str, connections: int) -> Figure | None:
        """A figure that has been measured, or None."""
        return next(
            (
                figure
                for figure in self.figures
                if (figure.competitor, figure.work, figure.connections) == (competitor, work, connections)
                and figure.rounds
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted of Pellucid: of its throughput, at least so many times another's; of its latency, at most."""

    work: str
    against: str
    bound: float
    connections: int = 32
    latency: bool = False


def _goals() -> Iterable[Goal]:
    least: dict[str, dict[str, float]] = {
        "get": {"orm": 15, "pocketbase": 2, "constant": 0.5},
        "insert": {"orm": 18, "pocketbase": 2, "pgbench": 0.5},
        "update": {"orm": 15, "pocketbase": 2},
        "list": {"orm": 3, "pocketbase": 2, "pgbench": 0.5},
        "join": {"orm": 4, "pocketbase": 2},
    }
    for work, bounds in least.items():
        for against, bound in bounds.items():
            yield Goal(work, against, bound)
    for work in least:
        yield Goal(work, "orm", 0.5, connections=1, latency=True)
        yield Goal(work, "pocketbase", 1.5, connections=1, latency=True)


GOALS = tuple(_goals())


@dataclass(frozen=True, slots=True)
class Ratio:
    """How Pellucid stands to another. ``reached`` is None where one of the two had errors."""

    goal: Goal
    value: float
    reached: bool | None


def ratios(results: Results) -> list[Ratio]:
    """Every goal that this run can tell of."""
    return [ratio for goal in GOALS if (ratio := _ratio(results, goal)) is not None]


def _ratio(results: Results, goal: Goal) -> Ratio | None:
    own = results.find("pellucid", goal.work, goal.connections)
    other = results.find(goal.against, goal.work, goal.connections)
    if own is None or other is None:
        return None
    value = own.p50 / (other.p50 or 1e-9) if goal.latency else own.rate / (other.rate or 1e-9)
    sound = not own.errors and not other.errors
    return Ratio(goal, value, (value <= goal.bound if goal.latency else value >= goal.bound) if sound else None)
