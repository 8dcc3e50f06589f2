"""TLS over TCP (RFC 8446, RFC 5246): the handshake step by step, judged by ourselves so that a refusal can say all it saw."""

from msgspec import Struct
from OpenSSL import SSL

from pellucid.trace.client.asked import Origin, Version, Ways
from pellucid.trace.client.certificates import Chain, Trust, note, objections
from pellucid.trace.client.failure import Failed
from pellucid.trace.client.hosts import is_address
from pellucid.trace.client.notes import Facts
from pellucid.trace.client.wire import CHUNK, Tcp

OFFERS = {Version.ANY: [b"h2", b"http/1.1"], Version.ONE: [b"http/1.1"], Version.TWO: [b"h2"]}


class Sessions:
    """What servers gave to make the next handshake shorter, by host and port, with the chain that was checked then."""

    def __init__(self) -> None:
        self.context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self._kept: dict[tuple[str, int], tuple[SSL.Session, Chain]] = {}

    def keep(self, host: str, port: int, secure: "Secure") -> None:
        """Remember a connection's session, once the server has had time to give one."""
        session = secure.session()
        if session is not None:
            self._kept[host, port] = (session, secure.chain)

    def of(self, host: str, port: int) -> tuple[SSL.Session | None, Chain]:
        """The session to take up again, if there is one."""
        return self._kept.get((host, port), (None, ()))


class Secure:
    """A TLS connection on a TCP one; a `wire.Wire`."""

    def __init__(self, tcp: Tcp, context: SSL.Context) -> None:
        self._tcp = tcp
        self._connection = SSL.Connection(context, None)
        self.chain: Chain = ()
        self.resumed = True
        self.alpn = ""

    def prepare(self, host: str, offers: list[bytes], session: SSL.Session | None) -> None:
        """Say for which host this is, what can be spoken, and what may be taken up again."""
        self._connection.set_verify(SSL.VERIFY_PEER, self._seen)
        self._connection.set_connect_state()
        self._connection.set_alpn_protos(offers)
        if not is_address(host):
            self._connection.set_tlsext_host_name(host.rstrip(".").encode())
        if session is not None:
            self._connection.set_session(session)

    def _seen(self, *_: object) -> bool:
        """A certificate is shown, which is not done where a session is taken up again. It is judged later, when all is known."""
        self.resumed = False
        return True

    def shown(self) -> Chain:
        """The certificates that the server showed."""
        return self._connection.get_peer_cert_chain(as_cryptography=True) or ()

    async def shake_hands(self) -> None:
        """Agree on keys.

        Raises:
            Failed: there is no agreement.
        """
        while True:
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                await self._flush()
                await self._feed()
            except SSL.Error as fault:
                await self._flush()
                raise Failed(*_reason(fault, self._tcp.remote)) from fault
            else:
                await self._flush()
                self.alpn = self._connection.get_alpn_proto_negotiated().decode()
                return

    async def _feed(self) -> None:
        data = await self._tcp.read()
        if not data:
            raise Failed(
                f"{self._tcp.remote} hung up in the middle of the TLS handshake", "does it speak TLS on this port?"
            )
        self._connection.bio_write(data)

    async def _flush(self) -> None:
        while True:
            try:
                data = self._connection.bio_read(CHUNK)
            except SSL.WantReadError:
                return
            await self._tcp.write(data)

    async def read(self) -> bytes:
        """What is there, or comes next; nothing at the end.

        Raises:
            Failed: the connection broke.
        """
        while True:
            try:
                return self._connection.recv(CHUNK)
            except SSL.WantReadError:
                data = await self._tcp.read()
                if not data:
                    return b""
                self._connection.bio_write(data)
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as fault:
                raise Failed(*_reason(fault, self._tcp.remote)) from fault

    async def write(self, data: bytes) -> None:
        """Send it."""
        for start in range(0, len(data), CHUNK):
            self._connection.sendall(data[start : start + CHUNK])
            await self._flush()

    def ended(self) -> bool:
        """Whether the server has hung up, as far as is known."""
        return self._tcp.ended()

    def session(self) -> SSL.Session | None:
        """What the server gave to take up again."""
        return self._connection.get_session()

    def close(self) -> None:
        """Hang up."""
        self._tcp.close()

    def told(self) -> Facts:
        """What the two agreed on, and what it took."""
        connection = self._connection
        agreed: Facts = {
            "version": connection.get_protocol_version_name().replace("TLSv", "TLS "),
            "cipher": connection.get_cipher_name() or "none",
            "alpn": self.alpn or "none agreed",
            "resumed": self.resumed,
            "handshake_out": self._tcp.sent,
            "handshake_in": self._tcp.received,
        }
        group = connection.get_group_name()
        return agreed | ({"group": group} if group else {})


class Judge(Struct, frozen=True):
    """Decides whether a chain of certificates proves a host."""

    ways: Ways
    trust: Trust

    def judge(self, chain: Chain, host: str, facts: Facts) -> None:
        """Tell of a chain, and refuse one that does not prove the host. Nothing of the request has been sent yet.

        Raises:
            Failed: something speaks against it and ``ways.insecure`` is off.
        """
        note(chain, facts)
        against = list(objections(chain, host, self.trust)) if chain else ["the server showed no certificate"]
        facts["verified"] = "; ".join(against) if against else True
        if against and not self.ways.insecure:
            authority = "trust its authority with --cacert, or " if _is_about_trust(against[0]) else ""
            raise Failed(against[0], f"{authority}go on all the same with --insecure")


def _is_about_trust(objection: str) -> bool:
    """Whether it helps to trust somebody more."""
    return objection.startswith("nobody trusted") or "signed for itself" in objection


async def secured(tcp: Tcp, origin: Origin, judge: Judge, sessions: Sessions, facts: Facts) -> Secure:
    """TLS on a connection that is open. What is agreed on and shown goes into the facts.

    Raises:
        Failed: there is no agreement, or the certificate proves nothing and must.
    """
    secure = Secure(tcp, sessions.context)
    session, chain = sessions.of(origin.host, origin.port)
    secure.prepare(origin.host, OFFERS[judge.ways.version], session)
    await secure.shake_hands()
    if not secure.resumed:
        chain = secure.shown()
    secure.chain = chain
    facts.update(secure.told())
    judge.judge(chain, origin.host, facts)
    return secure


def _reason(fault: SSL.Error, remote: str) -> tuple[str, str]:
    reasons = [str(entry[2]) for entry in fault.args[0]] if fault.args and isinstance(fault.args[0], list) else []
    said = ", ".join(reasons) or "the connection broke off"
    if any(
        words in said
        for words in ("wrong version number", "packet length too long", "http request", "record layer failure")
    ):
        return f"{remote} does not speak TLS", "is it http:// in place of https://, or another port?"
    return f"{remote} and this client did not agree on TLS: {said}", ""
