"""Questions to name servers (RFC 1035): which is asked, what it says, what becomes of one that is silent."""

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.resolver
from msgspec import Struct

from pellucid.trace.client.failure import Failed
from pellucid.trace.client.hosts import spelt

dns.asyncbackend.get_backend("asyncio")
for _kind in (dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.CNAME):
    dns.rdata.get_rdata_class(dns.rdataclass.IN, _kind)  # type: ignore[no-untyped-call] # dnspython leaves it so
"""dnspython imports these with the first question, which would count as the name server's time."""

ROUNDS = 2
"""How often each server is asked before a name counts as not to be found out."""
Server = tuple[str, int]


class Config(Struct, frozen=True):
    """Whom to ask, and which domains complete a short name (resolv.conf(5))."""

    servers: tuple[Server, ...]
    search: tuple[str, ...] = ()
    ndots: int = 1

    def candidates(self, host: str) -> list[str]:
        """The full names that a name may mean, in the order in which they are tried."""
        if host.endswith("."):
            return [host]
        longer = [f"{host}.{domain}." for domain in self.search]
        whole = f"{host}."
        return [whole, *longer] if host.count(".") >= self.ndots else [*longer, whole]


class Reply(Struct, frozen=True):
    """What a server said. ``silent`` are those that said nothing before it, or could not say; ``asked`` counts the questions sent."""

    kind: str
    server: Server
    transport: str
    rcode: str
    addresses: tuple[str, ...]
    ttl: int | None
    aliases: tuple[str, ...]
    silent: tuple[str, ...]
    asked: int


def system_config() -> Config:
    """What the system is set to ask; nobody where it is not set."""
    try:
        resolver = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return Config(())
    search = resolver.search or [resolver.domain]
    return Config(
        tuple((str(server), resolver.port) for server in resolver.nameservers),
        tuple(name.to_text(omit_final_dot=True) for name in search if name != dns.name.root),
        1 if resolver.ndots is None else resolver.ndots,
    )


async def ask(name: str, kind: str, servers: tuple[Server, ...], timeout: float) -> Reply:  # noqa: ASYNC109 - for each question
    """Ask one server after the other, twice around, for the records of a kind (``A``, ``AAAA``).

    Raises:
        Failed: none of them could say.
    """
    silent: list[str] = []
    question = _question(name, kind)
    for server in servers * ROUNDS:
        try:
            message, by_tcp = await dns.asyncquery.udp_with_fallback(question, server[0], timeout, server[1])
        except (dns.exception.DNSException, OSError) as fault:
            silent.append(f"{spelt(server)} ({_trouble(fault)})")
            continue
        rcode = dns.rcode.to_text(message.rcode())
        if rcode in {"NOERROR", "NXDOMAIN"}:
            return _reply(message, kind, server, "TCP" if by_tcp else "UDP", tuple(silent))
        silent.append(f"{spelt(server)} ({rcode})")
    raise Failed(
        f"no name server could say where {name.rstrip('.')} is: {', '.join(dict.fromkeys(silent))}, asked {ROUNDS} times each",
        "name another with --dns-server, or an address with --resolve",
    )


def _question(name: str, kind: str) -> dns.message.QueryMessage:
    try:
        return dns.message.make_query(name, kind, use_edns=0)
    except dns.exception.DNSException as fault:
        raise Failed(f"{name} cannot be a name: {fault}") from fault


def _trouble(fault: Exception) -> str:
    match fault:
        case dns.exception.Timeout():
            return "silent"
        case OSError():
            return (fault.strerror or str(fault)).lower()
        case _:
            return str(fault)


def _reply(message: dns.message.Message, kind: str, server: Server, transport: str, silent: tuple[str, ...]) -> Reply:
    rcode = dns.rcode.to_text(message.rcode())
    addresses: tuple[str, ...] = ()
    ttl, aliases = None, ()
    try:
        chain = message.resolve_chaining() if isinstance(message, dns.message.QueryMessage) else None
    except dns.exception.DNSException:
        chain = None
    if chain is not None and chain.answer is not None:
        addresses = tuple(record.to_text() for record in chain.answer)
        ttl = chain.minimum_ttl
    if chain is not None and chain.cnames:
        aliases = tuple(alias[0].to_text(omit_final_dot=True) for alias in chain.cnames)
    return Reply(kind, server, transport, rcode, addresses, ttl, aliases, silent, len(silent) + 1)
