"""What a client can say by itself about where the time went."""

from collections.abc import Iterator

from pellucid.observe import Stage
from pellucid.trace.document import Finding
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.page import duration, percent, plural, size

LEAST_SECONDS = 0.02
"""What took less is not worth a word,"""
LEAST_SHARE = 0.2
"""nor what was a smaller part of the whole."""
MOST = 0.5
ENDS_SOON = 14
"""Days."""
BIG = 100_000
"""Bytes of an answer that may be more than was needed."""


def found_by_client(journey: Journey) -> tuple[Finding, ...]:
    """The findings on a journey, the largest first."""
    found = [finding for hop in journey.hops for finding in _of_hop(hop, journey.seconds)]
    found += _redirects(journey)
    return tuple(sorted(found, key=lambda finding: -finding.share))


def _of_hop(hop: Hop, whole: float) -> Iterator[Finding]:
    if hop.failure:
        return
    for look in (_dns, _connect, _tls, _certificate, _download, _way, _server):
        yield from look(hop, whole)


def _share(seconds: float, whole: float) -> float:
    return seconds / whole if whole else 0.0


def _long(seconds: float, whole: float) -> bool:
    return seconds >= LEAST_SECONDS and _share(seconds, whole) >= LEAST_SHARE


def _dns(hop: Hop, whole: float) -> Iterator[Finding]:
    row = hop.row(Stage.DNS)
    if row is None or not _long(row.seconds, whole):
        return
    silent = row.facts.get("trouble")
    server = str(row.facts.get("server", "the resolver")).partition(",")[0]
    because = (
        f"Name servers did not answer: {silent}."
        if silent
        else f"The name server {server} took that long for {row.facts.get('name')}."
    )
    do = (
        "Take the dead name servers out of /etc/resolv.conf."
        if silent
        else "Ask a resolver that is nearer, or give the record a longer TTL."
    )
    yield Finding(
        "slow-dns", f"Finding the address took {duration(row.seconds)}.", because, do, _share(row.seconds, whole)
    )


def _connect(hop: Hop, whole: float) -> Iterator[Finding]:
    row = hop.row(Stage.CONNECT)
    if row is None or not _long(row.seconds, whole):
        return
    what = f"Connecting took {duration(row.seconds)}."
    if tried := row.facts.get("tried"):
        do = "Take the address that is dead out of DNS, or let the server answer there."
        yield Finding("dead-address", what, f"Not every address answers: {tried}.", do, _share(row.seconds, whole))
    else:
        because = f"{row.facts.get('remote', 'the server')} is that far away, or its listening queue is full."
        yield Finding(
            "slow-connect", what, because, "Keep the connection open and use it again.", _share(row.seconds, whole)
        )


def _tls(hop: Hop, whole: float) -> Iterator[Finding]:
    row = hop.row(Stage.TLS)
    if row is None or not _long(row.seconds, whole):
        return
    because = (
        "Even a session that was taken up again needs a trip" if row.facts.get("resumed") else "It was a full handshake"
    )
    trip = hop.row(Stage.CONNECT)
    if trip is not None and trip.facts.get("transport") == "TCP" and trip.seconds > 0:
        because += f", as long as {row.seconds / trip.seconds:.1f} trips of {duration(trip.seconds)}"
    because += "."
    do = "Keep the connection open, or let the client take up its session again; with TLS 1.3 it is one trip."
    yield Finding(
        "slow-tls", f"The TLS handshake took {duration(row.seconds)}.", because, do, _share(row.seconds, whole)
    )


def _certificate(hop: Hop, _whole: float) -> Iterator[Finding]:
    facts = hop.facts(Stage.TLS)
    left = facts.get("days_left")
    if isinstance(left, int) and not isinstance(left, bool) and 0 <= left < ENDS_SOON:
        what = f"The certificate runs out in {plural(left, 'day')}."
        yield Finding(
            "certificate-ends",
            what,
            f"It is good until {facts.get('expires')}.",
            "Renew it, and let that happen by itself.",
            0.0,
        )


def _download(hop: Hop, whole: float) -> Iterator[Finding]:
    row = hop.row(Stage.RECEIVE)
    body = row.facts.get("body_on_wire", row.facts.get("body_bytes", 0)) if row is not None else 0
    if row is None or not isinstance(body, int) or body < BIG or not _long(row.seconds, whole):
        return
    rate = f" at {size(body / row.seconds)}/s" if row.seconds else ""
    packed = "" if row.facts.get("content-encoding") else ", not compressed"
    do = (
        "Ask for fewer rows and columns, with limit and select"
        + ("" if not packed else ", or have it compressed")
        + "."
    )
    yield Finding(
        "big-download",
        f"Receiving the answer took {duration(row.seconds)}.",
        f"It has {size(body)}{packed}{rate}.",
        do,
        _share(row.seconds, whole),
    )


def _way(hop: Hop, whole: float) -> Iterator[Finding]:
    wait = hop.row(Stage.WAIT)
    if wait is None or hop.server is None:
        return
    way = wait.seconds - hop.server.seconds
    if _long(way, whole):
        what = f"{duration(way)} of the wait was not in the server."
        because = "The way there and back takes that long, or something in front of the server holds requests up."
        yield Finding("long-way", what, because, "Move closer, or look into the proxy's own log.", _share(way, whole))


def _server(hop: Hop, whole: float) -> Iterator[Finding]:
    wait = hop.row(Stage.WAIT)
    if wait is None or hop.server is not None or _share(wait.seconds, whole) < MOST or wait.seconds < LEAST_SECONDS:
        return
    what = f"{percent(_share(wait.seconds, whole))} of the time was spent waiting for the server to begin its answer."
    yield Finding(
        "slow-server",
        what,
        "",
        "Look into the server; one of Pellucid's shows its half to those who run it.",
        _share(wait.seconds, whole),
    )


def _redirects(journey: Journey) -> Iterator[Finding]:
    before = journey.hops[:-1]
    if before:
        spent = journey.last.started - journey.hops[0].started
        what = f"The answer came after {plural(len(before), 'redirect')}, which took {duration(spent)}."
        yield Finding(
            "redirects",
            what,
            f"{before[0].url} is not where it is.",
            f"Ask for {journey.last.url} at once.",
            _share(spent, journey.seconds),
        )
