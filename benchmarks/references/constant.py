"""``constant.py PORT WORKERS``: Pellucid's server, with an application that answers a constant row and does nothing else."""

import sys
from collections.abc import Awaitable, Callable

from pellucid.errors import StartupError
from pellucid.server.options import ServerOptions
from pellucid.server.sockets import listen
from pellucid.server.supervisor import supervise
from pellucid.server.worker import Application, Message

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY = (
    b'{"id":77123,"owner":"0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234","project":862,"title":"Title of item 77123",'
    b'"score":72,"done":false,"created_at":"2026-01-31T13:45:00.123456+00:00"}'
)
START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}
REST: Message = {"type": "http.response.body", "body": BODY}


class Silent:
    """Nobody listens to what the supervisor says."""

    def ready(self) -> None: ...

    def broken(self, error: StartupError, *, serving: bool) -> None: ...

    def renewing(self, reason: str) -> None: ...

    def renewed(self) -> None: ...

    def stopping(self) -> None: ...


def build() -> Application:
    """The application (ASGI 3)."""
    return app


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer."""
    if scope["type"] == "http":
        await send(START)
        await send(REST)
        return
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def main() -> None:
    """Serve until SIGTERM."""
    port, workers = map(int, sys.argv[1:])
    with listen("127.0.0.1", port, backlog=1024) as listeners:
        supervise(ServerOptions(workers=workers), listeners, build, Silent())


if __name__ == "__main__":
    main()
