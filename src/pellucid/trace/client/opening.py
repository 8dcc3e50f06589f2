"""From a name to a connection that speaks HTTP: DNS, connect, TLS, each a row."""

from collections.abc import Sequence

from aioquic.tls import SessionTicket
from msgspec.structs import replace

from pellucid.observe import Stage
from pellucid.trace.client import http3, wire
from pellucid.trace.client.asked import Origin, Version, Ways
from pellucid.trace.client.certificates import Chain, Trust
from pellucid.trace.client.failure import Failed
from pellucid.trace.client.http1 import Http1
from pellucid.trace.client.http2 import Http2
from pellucid.trace.client.http3 import Http3, QuicDialled
from pellucid.trace.client.names import resolve
from pellucid.trace.client.notes import Facts, Notes
from pellucid.trace.client.race import Race, Try, in_turn, race
from pellucid.trace.client.talk import Talk
from pellucid.trace.client.tls import Judge, Secure, Sessions, secured


class Opener:
    """Opens connections, and remembers what makes the next one to the same server cheaper."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._sessions = Sessions()
        self._tickets: dict[Origin, list[SessionTicket]] = {}
        self._chains: dict[Origin, Chain] = {}
        self._secure: dict[Origin, Secure] = {}
        self._judging: Judge | None = None

    def prepare(self, origin: Origin) -> None:
        """What takes time here and has nothing to do with the server: read whom to trust.

        Raises:
            Failed: that cannot be read.
        """
        if origin.secure:
            self._judge()

    async def open(self, origin: Origin, notes: Notes) -> Talk:
        """A new connection.

        Raises:
            Failed: there is none to be had.
        """
        if self._ways.version is Version.THREE and not origin.secure:
            raise Failed("HTTP/3 is always behind TLS", "ask for https://, or without --http3")
        with notes.stay(Stage.DNS) as facts:
            facts["name"] = origin.host
            addresses = in_turn(await resolve(origin, self._ways, facts))
        if self._ways.version is Version.THREE:
            return await self._by_quic(origin, addresses, notes)
        return await self._by_tcp(origin, addresses, notes)

    def answered(self, origin: Origin) -> None:
        """An answer has come: by now the server has given what makes the next handshake shorter, if it does so at all."""
        if secure := self._secure.get(origin):
            self._sessions.keep(origin.host, origin.port, secure)

    async def _by_tcp(self, origin: Origin, addresses: Sequence[str], notes: Notes) -> Talk:
        with notes.stay(Stage.CONNECT) as facts:
            tcp = await self._connected(origin, addresses, facts)
        if not origin.secure:
            return Http2(tcp) if self._ways.version is Version.TWO else Http1(tcp)
        self.prepare(origin)
        try:
            with notes.stay(Stage.TLS) as facts:
                secure = await secured(tcp, origin, self._judge(), self._sessions, facts)
        except BaseException:
            tcp.close()
            raise
        self._secure[origin] = secure
        return Http2(secure) if secure.alpn == "h2" else Http1(secure)

    async def _connected(self, origin: Origin, addresses: Sequence[str], facts: Facts) -> wire.Tcp:
        tries: list[Try] = []
        try:
            won: Race[wire.Tcp] = await race(addresses, lambda address: wire.dial(address, origin.port), tries)
        except OSError as fault:
            raise Failed(*_unreached(origin, tries)) from fault
        finally:
            _note(tries, facts)
        facts |= {"transport": "TCP", "remote": won.winner.remote, "local": won.winner.local}
        return won.winner

    async def _by_quic(self, origin: Origin, addresses: Sequence[str], notes: Notes) -> Talk:
        """QUIC connects and agrees on keys at once: the first datagram back divides the one from the other."""
        self.prepare(origin)
        tickets = self._tickets.setdefault(origin, [])
        ticket = tickets[-1] if tickets else None
        tries: list[Try] = []
        with notes.stay(Stage.CONNECT) as facts:
            facts["transport"] = "QUIC over UDP"
            try:
                won: Race[QuicDialled] = await race(
                    addresses, lambda address: http3.dial(address, origin.port, origin.host, ticket, tickets), tries
                )
            except (OSError, Failed) as fault:
                raise Failed(
                    _unreached(origin, tries)[0], "does it speak HTTP/3, and does UDP get through? Ask without --http3"
                ) from fault
            finally:
                _note(tries, facts)
            facts |= {"remote": won.winner.remote, "local": won.winner.local}
        return self._quic_agreed(origin, won.winner, notes)

    def _quic_agreed(self, origin: Origin, dialled: QuicDialled, notes: Notes) -> Talk:
        quic = dialled.quic
        resumed = quic.agreed is not None and quic.agreed.session_resumed
        chain = self._chains.get(origin, ()) if resumed else quic.chain()
        try:
            with notes.stay(Stage.TLS) as facts:
                facts.update(version="TLS 1.3 in QUIC", cipher=quic.cipher(), alpn="h3", resumed=resumed)
                self._judge().judge(chain, origin.host, facts)
        except Failed:
            quic.hang_up()
            raise
        finally:
            _divide(notes, quic.heard)
        self._chains[origin] = chain
        return Http3(quic)

    def _judge(self) -> Judge:
        if self._judging is None:
            self._judging = Judge(self._ways, Trust(self._ways.cacert))
        return self._judging


def _divide(notes: Notes, heard: float | None) -> None:
    """Let the row of TLS begin where that of the connection ends: at the first datagram that came back."""
    connect, tls = notes.rows[-2:]
    border = connect.start + connect.seconds if heard is None else heard - notes.started
    ended = tls.start + tls.seconds
    notes.rows[-2:] = [
        replace(connect, seconds=border - connect.start),
        replace(tls, start=border, seconds=ended - border),
    ]


def _note(tries: Sequence[Try], facts: Facts) -> None:
    if len(tries) > 1:
        facts["tried"] = "; ".join(each.told() for each in tries)


def _unreached(origin: Origin, tries: Sequence[Try]) -> tuple[str, str]:
    outcomes = ", ".join(f"{each.address} {each.outcome}" for each in tries) or "there is no address"
    hint = (
        "is the server running, and on this port?"
        if "refused" in outcomes
        else "is the network there, and the address right?"
    )
    return f"{origin.host} cannot be reached on port {origin.port}: {outcomes}", hint
