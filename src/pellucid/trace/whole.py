"""The verdict on a whole journey: what the client found and what the server found, weighed against the same time. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from pellucid.observe import Stage
from pellucid.trace.client.findings import found_by_client
from pellucid.trace.document import Finding
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.verdict import explains, headed, own_seconds, spent_of

WAY = "the way there and back"
_EXPLAINS: Mapping[str, str] = {
    "slow-dns": Stage.DNS,
    "slow-connect": Stage.CONNECT,
    "dead-address": Stage.CONNECT,
    "slow-tls": Stage.TLS,
    "big-download": Stage.RECEIVE,
    "slow-server": Stage.WAIT,
    "long-way": WAY,
}
"""Of which place a client's finding explains the time."""


def weighed(journey: Journey) -> Journey:
    """The journey with its findings: first where most of its time went, then what explains it, the weightiest first."""
    if journey.last.failure:
        return replace(journey, findings=found_by_client(journey))
    whole = _own(journey)
    found = [*found_by_client(journey), *(each for hop in journey.hops for each in _of_server(hop, whole))]
    found.sort(key=lambda finding: -finding.share)
    return replace(
        journey, findings=headed(found, _spent(journey), whole, lambda code, place: _tells(code, place, journey))
    )


def _own(journey: Journey) -> float:
    """What the journey would have taken without the looking."""
    looking = sum(hop.server.seconds - own_seconds(hop.server) for hop in journey.hops if hop.server is not None)
    return max(0.0, journey.seconds - looking)


def _of_server(hop: Hop, whole: float) -> Iterator[Finding]:
    """What the server found, as shares of the whole journey."""
    if hop.server is None:
        return
    part = min(1.0, own_seconds(hop.server) / whole) if whole > 0 else 0.0
    for finding in hop.server.findings:
        if finding.code != "most":
            yield replace(finding, share=finding.share * part)


def _spent(journey: Journey) -> dict[str, float]:
    """The seconds of each place: the client's stages, and where it waited for a server that tells, that server's and the way."""
    spent: dict[str, float] = defaultdict(float)
    for hop in journey.hops:
        for row in hop.rows:
            if row.stage is Stage.WAIT and hop.server is not None:
                for stage, seconds in spent_of(hop.server).items():
                    spent[stage] += seconds
                spent[WAY] += max(0.0, row.seconds - hop.server.seconds)
            else:
                spent[row.stage] += row.seconds
    return spent


def _tells(code: str, place: str, journey: Journey) -> bool:
    servers = [hop.server for hop in journey.hops if hop.server is not None]
    return _EXPLAINS.get(code) == place or any(explains(code, place, server) for server in servers)
