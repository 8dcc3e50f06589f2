"""The client's clock: each stay in a stage becomes a row, also where it ends badly."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from pellucid.observe import Fact, Stage
from pellucid.trace.client.failure import Failed
from pellucid.trace.document import Row

Facts = dict[str, Fact]


class Notes:
    """The rows of one hop. Times are in seconds from ``started``, which is one of `time.perf_counter`."""

    def __init__(self, started: float) -> None:
        self.started = started
        self.rows: list[Row] = []

    @contextmanager
    def stay(self, stage: Stage) -> Iterator[Facts]:
        """Time a stay; what is put into the facts that it gives is kept, and so is why it failed."""
        facts: Facts = {}
        began = perf_counter()
        try:
            yield facts
        except Failed as failure:
            facts["failed"] = failure.message
            raise
        except BaseException:
            facts["failed"] = "it was not finished"
            raise
        finally:
            self.rows.append(Row(stage, began - self.started, perf_counter() - began, facts))
