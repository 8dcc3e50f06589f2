"""A supervisor of its own process, for tests: `python program.py PORT WORKERS [WATCHED]`, and what it does as lines on standard output.

The application is ``app.py`` in the current directory, a function ``answer(path) -> str``; started in each worker.
"""

import asyncio
import functools
import os
import runpy
import sys
from pathlib import Path

from pellucid.errors import StartupError
from pellucid.server.faults import does_not_start
from pellucid.server.options import ServerOptions
from pellucid.server.sockets import listen
from pellucid.server.supervisor import supervise
from pellucid.server.worker import Application, Message
from tests.server.applications import Receive, Send, application, respond

say = functools.partial(print, flush=True)


class Lines:
    """Events as lines."""

    def ready(self) -> None:
        say("ready")

    def broken(self, error: StartupError, *, serving: bool) -> None:
        say(f"broken {serving} {error.message}")

    def renewing(self, reason: str) -> None:
        say(f"renewing {Path(reason).name}")

    def renewed(self) -> None:
        say("renewed")

    def stopping(self) -> None:
        say("stopping")


def build() -> Application:
    try:
        names = runpy.run_path("app.py")
    except BaseException as fault:
        raise does_not_start("app.py cannot be imported", fault) from fault

    async def answer(scope: Message, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            say("slow")
            await asyncio.sleep(0.5)
        await respond(send, names["answer"](scope["path"]).encode())

    return application(answer)


def main() -> None:
    port, workers, *watched = sys.argv[1:]
    options = ServerOptions(workers=int(workers), watch=tuple(map(Path, watched)), shutdown_seconds=10)
    try:
        with listen("127.0.0.1", int(port), backlog=128) as listeners:
            say(listeners[0].getsockname()[1])
            supervise(options, listeners, build, Lines())
    except StartupError as error:
        say(f"gave up {error.message}")
        sys.exit(1)
    say(f"stopped {os.getpid()}")


if __name__ == "__main__":
    main()
