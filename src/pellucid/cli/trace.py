"""``pellucid trace``: one request, followed from the name of its server to the page of its row."""

import asyncio
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn

import typer
from msgspec import Struct, to_builtins
from rich.console import Console
from rich.text import Text

from pellucid.cli.asking import Written, content, host_and_port, request, resolved, shown
from pellucid.errors import StartupError
from pellucid.trace.client.asked import Asked, Version, Ways
from pellucid.trace.client.client import Client
from pellucid.trace.client.failure import Failed
from pellucid.trace.client.otherhalf import asking, joined_all
from pellucid.trace.client.talk import Head
from pellucid.trace.drawing import picture
from pellucid.trace.journey import Journey
from pellucid.trace.printing import explained, sheet_of, show
from pellucid.trace.repeats import slowest, spreads, table
from pellucid.trace.waterfall import waterfall
from pellucid.trace.whole import weighed
from pellucid.web.redact import BLOT, escape, is_secret, redact

CONTEXT: dict[str, Any] = {}
Option = typer.Option

Words = Annotated[
    list[str],
    typer.Argument(metavar="[METHOD] URL", help="What to ask. A path alone is asked of this machine's port 8000."),
]
Method = Annotated[str | None, Option("--request", "-X", metavar="METHOD", help="The method.")]
Headers = Annotated[list[str] | None, Option("--header", "-H", metavar="HEADER", help="Send this header too.")]
Data = Annotated[
    list[str] | None, Option("--data", "-d", metavar="TEXT", help="Send this as a form; @FILE sends a file.")
]
Json = Annotated[str | None, Option("--json", metavar="JSON", help="Send this as JSON; @FILE sends a file.")]
User = Annotated[str | None, Option("--user", "-u", metavar="NAME:PASSWORD", help="Credentials (HTTP Basic).")]
Insecure = Annotated[bool, Option("--insecure", "-k", help="Go on with a certificate that proves nothing.")]
Cacert = Annotated[Path | None, Option("--cacert", metavar="FILE", help="Trust these authorities (PEM).")]
Location = Annotated[bool, Option("--location", "-L", help="Follow redirects.")]
Include = Annotated[bool, Option("--include", "-i", help="Show the headers of the answer too.")]
Output = Annotated[
    str | None, Option("--output", "-o", metavar="FILE", help="Write the body of the answer there; - shows it.")
]
MaxTime = Annotated[
    float, Option("--max-time", "-m", min=0.001, metavar="SECONDS", help="How long one answer may take.")
]
Resolve = Annotated[
    list[str] | None, Option("--resolve", metavar="HOST:PORT:ADDRESS", help="Use this address, and ask nobody.")
]
DnsServer = Annotated[str | None, Option("--dns-server", metavar="HOST:PORT", help="Ask this name server.")]
Http1 = Annotated[bool, Option("--http1.1", help="Speak HTTP/1.1.")]
Http2 = Annotated[bool, Option("--http2", help="Speak HTTP/2, also without TLS.")]
Http3 = Annotated[bool, Option("--http3", help="Speak HTTP/3, over QUIC.")]
Repeat = Annotated[int, Option("--repeat", min=1, max=10_000, metavar="N", help="Ask so many times.")]
NewConnections = Annotated[bool, Option("--new-connections", help="Connect anew each time.")]
TraceToken = Annotated[
    str | None,
    Option(
        "--trace-token",
        metavar="TOKEN",
        help="May ask for the server's half, where the request's own credentials may not; @FILE reads it.",
    ),
]
Light = Annotated[bool, Option("--light", help="Ask the server for its stages only, not for plans, locks and pages.")]
ClientOnly = Annotated[bool, Option("--client-only", help="Do not ask for the server's half.")]
JsonOutput = Annotated[bool, Option("--json-output", help="Print JSON.")]
Svg = Annotated[Path | None, Option("--svg", metavar="FILE", help="Draw it there too.")]
Silent = Annotated[bool, Option("--silent", "-s", help="Do not tell what is being done.")]


class Wanted(Struct, frozen=True):
    """How deep the server is to look (``full``, ``light`` or not at all), how often it is asked, where the body goes, what may ask."""

    depth: str
    repeat: int = 1
    output: str | None = None
    silent: bool = False
    token: str = ""


class Outcome(Struct, frozen=True):
    """What came of it all: each run, the heads of the last one's answers, and why there is no answer where there is none."""

    runs: tuple[Journey, ...]
    heads: tuple[Head, ...]
    failure: Failed | None


def command(  # noqa: PLR0917 - the options of the command line are its arguments
    words: Words,
    method: Method = None,
    header: Headers = None,
    data: Data = None,
    json_body: Json = None,
    user: User = None,
    insecure: Insecure = False,
    cacert: Cacert = None,
    location: Location = False,
    include: Include = False,
    output: Output = None,
    max_time: MaxTime = 60.0,
    resolve: Resolve = None,
    dns_server: DnsServer = None,
    http1: Http1 = False,
    http2: Http2 = False,
    http3: Http3 = False,
    repeat: Repeat = 1,
    new_connections: NewConnections = False,
    trace_token: TraceToken = None,
    light: Light = False,
    client_only: ClientOnly = False,
    json_output: JsonOutput = False,
    svg: Svg = None,
    silent: Silent = False,
) -> None:
    """Follow a request: names, connection, TLS, HTTP, and what a Pellucid server and its PostgreSQL did with it."""
    written = Written(words, method, header or (), data or (), json_body, user)
    ways = Ways(
        version=_version(http1, http2, http3),
        insecure=insecure,
        cacert=cacert,
        resolve=resolved(resolve or ()),
        dns_server=host_and_port(dns_server, 53) if dns_server else None,
        location=location,
        timeout=max_time,
        kept=not new_connections,
        shown=shown,
        said=lambda text: escape(redact(text)),
        secret=is_secret,
    )
    depth = "" if client_only else "light" if light else "full"
    token = content(trace_token).decode("utf-8", "replace").strip() if trace_token else ""
    outcome = _asked(written, ways, Wanted(depth, repeat, output, silent or json_output, token))
    if output == "-":
        typer.echo()
    if include and not json_output:
        _show_heads(outcome.heads)
    _show(outcome, json_output)
    if svg is not None:
        _draw(outcome, svg)
    if outcome.failure is not None:
        _fail(outcome.failure)


def _fail(failure: Failed) -> NoReturn:
    """End with the status of a failure. On a terminal the verdict has just told why; elsewhere the error output tells it."""
    if sys.stdout.isatty():
        raise typer.Exit(1)
    raise StartupError(failure.message, hint=failure.hint)


def _version(one: bool, two: bool, three: bool) -> Version:
    chosen = [version for version, wanted in ((Version.ONE, one), (Version.TWO, two), (Version.THREE, three)) if wanted]
    if len(chosen) > 1:
        raise StartupError("one request speaks one version of HTTP", hint="give one of --http1.1, --http2 and --http3")
    return chosen[0] if chosen else Version.ANY


def _asked(written: Written, ways: Ways, wanted: Wanted) -> Outcome:
    try:
        asked = request(written)
        with ExitStack() as stack:
            sink = _opened(wanted.output, stack)
            console = Console(stderr=True)
            if console.is_terminal and not wanted.silent:
                stack.enter_context(console.status(Text(f"{asked.method} {shown(asked.url)}")))
            return asyncio.run(_runs(asked, ways, wanted, sink))
    except Failed as failure:
        raise StartupError(failure.message, hint=failure.hint) from failure


def _opened(output: str | None, stack: ExitStack) -> BinaryIO | None:
    if output is None or output == "-":
        return None if output is None else sys.stdout.buffer
    try:
        return stack.enter_context(Path(output).open("wb"))
    except OSError as fault:
        raise StartupError(f"{output} cannot be written: {(fault.strerror or 'it is no file').lower()}") from fault


async def _runs(asked: Asked, ways: Ways, wanted: Wanted, sink: BinaryIO | None) -> Outcome:
    runs: list[Journey] = []
    ways_to: list[list[Asked]] = []
    async with Client(ways) as client:
        while len(runs) < wanted.repeat and client.failure is None:
            write = sink.write if sink is not None and not runs else len
            runs.append(await client.visit(asking(asked, wanted.depth, wanted.token) if wanted.depth else asked, write))
            ways_to.append(client.requests)
        heads, failure = tuple(client.answers), client.failure
        if wanted.depth:
            runs = [await joined_all(client, requests, run) for requests, run in zip(ways_to, runs, strict=True)]
    return Outcome(tuple(weighed(run) for run in runs), heads, failure)


def _show_heads(heads: tuple[Head, ...]) -> None:
    for head in heads:
        typer.echo(f"{head.status} {escape(head.reason)}")
        for name, value in head.headers:
            typer.echo(f"{escape(name)}: {BLOT if is_secret(name) else escape(redact(value))}")
        typer.echo()


def _show(outcome: Outcome, as_data: bool) -> None:
    runs = outcome.runs
    if as_data:
        told = {"runs": [to_builtins(run) for run in runs], "spreads": [to_builtins(each) for each in spreads(runs)]}
        typer.echo(json.dumps(told, indent=2))
        return
    console = Console(file=sys.stdout, highlight=False)
    lines = [*waterfall(runs[slowest(runs)], sheet_of(console))]
    show([*(table(runs) if len(runs) > 1 else ()), *lines], console)


def _draw(outcome: Outcome, file: Path) -> None:
    try:
        file.write_text(picture(outcome.runs[slowest(outcome.runs)], explained()))
    except OSError as fault:
        raise StartupError(f"{file} cannot be written: {(fault.strerror or 'it is no file').lower()}") from fault
