"""What the terminal is told: the slow steps while they last, then what runs where. Plain lines where no person looks on."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from textwrap import indent

from msgspec import Struct
from rich.console import Console, RenderableType
from rich.text import Text

from pellucid import __version__
from pellucid.cli.errors import show
from pellucid.errors import StartupError


class Facts(Struct, frozen=True):
    """What the banner says.

    Attributes:
        mode: development or production.
        postgres: which PostgreSQL, and where.
        url: where the API answers.
        workers: how many, and what they serve.
        lacking: what the database does not let Pellucid do, and the SQL that mends it.
        cautions: what should not be so, or has no effect.
    """

    mode: str
    postgres: str
    url: str
    workers: str
    lacking: tuple[tuple[str, str], ...] = ()
    cautions: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """Label and text of each line."""
        return [
            ("API", self.url),
            ("Docs", f"{self.url}/docs"),
            ("Database", self.postgres),
            ("Workers", self.workers),
            ("Stop", "Ctrl-C"),
        ]


class Terminal:
    """Standard output, told nicely where a person looks on. It hears the events of the supervisor too."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._facts: Facts | None = None

    def expect(self, facts: Facts) -> None:
        """Keep what the banner will say once the workers are ready."""
        self._facts = facts

    @contextmanager
    def progress(self, first: str) -> Iterator[Callable[[str], None]]:
        """Show what is being done; gives a function that says what comes next.

        On a terminal this uses a thread, which has ended when the block has.
        """
        if not self._console.is_terminal:
            self._say(f"{first} …")
            yield lambda step: self._say(f"{step} …")
            return
        with self._console.status(first) as status:
            yield status.update

    def warn(self, warnings: Iterable[str]) -> None:
        """Tell what has no effect."""
        for warning in warnings:
            self._print(Text(f"warning: {warning}", "yellow"))

    # -- events of the supervisor -------------------------------------------------------------------------------------

    def ready(self) -> None:
        """Every worker answers: show the banner."""
        if self._facts is None:
            return
        self._print(Text.assemble(("Pellucid", "bold"), f" {__version__} · {self._facts.mode}"))
        for label, text in self._facts.rows():
            self._print(Text.assemble((f"  {label:<10}", "dim"), text))
        for what, remedy in self._facts.lacking:
            self._print(Text(f"  Off: {what}", "yellow"))
            self._print(Text(indent(remedy, " " * 7), "dim"))
        for caution in self._facts.cautions:
            self._print(Text(f"  Caution: {caution}", "yellow"))

    def broken(self, error: StartupError, *, serving: bool) -> None:
        """The application cannot be started."""
        show(error)
        self._say("The version before it goes on answering." if serving else "Nothing answers until that is mended.")

    def renewing(self, reason: str) -> None:
        """The workers are being renewed."""
        self._say(f"Renewing the workers: {reason}")

    def renewed(self) -> None:
        """All of them are new."""
        self._say("The workers are renewed.")

    def stopping(self) -> None:
        """No new connections."""
        self._say("Stopping: requests under way are answered. Again, and they are not waited for.")

    def stopped(self) -> None:
        """Everything has ended."""
        self._say("Stopped.")

    def _say(self, text: str) -> None:
        self._print(Text(text))

    def _print(self, shown: RenderableType) -> None:
        """Write it; a terminal or a pipe that is gone stops nothing."""
        with suppress(OSError, SystemExit):  # rich leaves with SystemExit where the pipe is broken
            self._console.print(shown)
