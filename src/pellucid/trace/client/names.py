"""From a name to addresses: what stands in the URL, what was given, the machine's own names, and then DNS."""

import asyncio
import socket
from collections.abc import Iterable

from pellucid.trace.client.asked import Origin, Ways
from pellucid.trace.client.failure import Failed
from pellucid.trace.client.hosts import in_hosts_file, is_address, spelt
from pellucid.trace.client.notes import Facts
from pellucid.trace.client.questions import Config, Reply, ask, system_config

RESOLUTION_DELAY = 0.05
"""How long an answer for IPv6 is waited for when that for IPv4 is there (RFC 8305, 3)."""

_NOTHING = {"NOERROR": "none", "NXDOMAIN": "no such name"}


async def resolve(origin: Origin, ways: Ways, facts: Facts) -> tuple[str, ...]:
    """The addresses of a host. What was asked and said is put into the facts.

    Raises:
        Failed: there are none.
    """
    known = _known(origin, ways, facts)
    if known:
        return known
    config = Config((ways.dns_server,)) if ways.dns_server else system_config()
    try:
        return await _by_dns(origin.host, config, ways, facts)
    except Failed:
        found = () if ways.dns_server else await _by_system(origin.host)
        if not found:
            raise
    facts["from"] = "the system, which has ways of its own beside DNS"
    return found


def _known(origin: Origin, ways: Ways, facts: Facts) -> tuple[str, ...]:
    """The addresses that nobody outside is asked about."""
    if is_address(origin.host):
        facts["from"] = "the URL itself"
        return (origin.host,)
    if given := ways.resolve.get((origin.host, origin.port)):
        facts |= {"from": "--resolve", "addresses": ", ".join(given)}
        return given
    if found := in_hosts_file(origin.host, ways.hosts):
        facts |= {"from": str(ways.hosts), "addresses": ", ".join(found)}
        return found
    if origin.host == "localhost" or origin.host.endswith(".localhost"):
        facts |= {"from": "the name, which always means this machine (RFC 6761)", "addresses": "::1, 127.0.0.1"}
        return ("::1", "127.0.0.1")
    return ()


async def _by_dns(host: str, config: Config, ways: Ways, facts: Facts) -> tuple[str, ...]:
    facts["from"] = "DNS"
    if not config.servers:
        raise Failed(f"nobody can be asked where {host} is: no name server is set", "name one with --dns-server")
    tried = []
    for name in config.candidates(host):
        tried.append(name.rstrip("."))
        facts["question"] = f"{name} A, AAAA"
        replies = await _both(name, config, ways)
        _note(replies, facts)
        if addresses := tuple(address for reply in replies for address in reply.addresses):
            return addresses
    said = ", ".join(sorted({reply.rcode for reply in replies}))
    meaning = "there is no such name" if said == "NXDOMAIN" else f"it has no address ({said})"
    raise Failed(
        f"{' and '.join(tried)}: {meaning}, says {facts.get('server', 'DNS')}", "look at the spelling of the host"
    )


async def _both(name: str, config: Config, ways: Ways) -> list[Reply]:
    """What is said about IPv6 and IPv4, asked side by side; IPv6 first. Once IPv4 is known, IPv6 is waited for only a moment."""
    six, four = (asyncio.create_task(ask(name, kind, config.servers, ways.dns_timeout)) for kind in ("AAAA", "A"))
    try:
        await asyncio.wait([four])
        await asyncio.wait([six], timeout=RESOLUTION_DELAY if _gave(four) else None)
        replies = [task.result() for task in (six, four) if task.done() and task.exception() is None]
        return replies or [four.result()]
    finally:
        for task in (six, four):
            task.cancel()
        await asyncio.gather(six, four, return_exceptions=True)


def _gave(task: "asyncio.Task[Reply]") -> bool:
    return task.exception() is None and bool(task.result().addresses)


def _note(replies: Iterable[Reply], facts: Facts) -> None:
    for reply in replies:
        ttl = "" if reply.ttl is None else f" (TTL {reply.ttl} s)"
        facts["server"] = f"{spelt(reply.server)}, {reply.transport}"
        facts[reply.kind] = (", ".join(reply.addresses) or _NOTHING.get(reply.rcode, reply.rcode)) + ttl
        if reply.ttl is not None:
            facts["ttl"] = reply.ttl
        if reply.aliases:
            facts["alias"] = " → ".join(reply.aliases)
        if reply.silent:
            facts["trouble"] = ", ".join(reply.silent)
    facts["questions"] = sum(reply.asked for reply in replies)
    for kind in {"A", "AAAA"} - {reply.kind for reply in replies}:
        facts[kind] = "not said in time, and not waited for"


async def _by_system(host: str) -> tuple[str, ...]:
    """What the system's own library finds, for names that only it knows (mDNS and the like)."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
