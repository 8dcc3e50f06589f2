"""Mails on their way: a real mail server in a thread of its own takes them, refuses some, and wants TLS and a password."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from ipaddress import ip_address
from pathlib import Path
from queue import Queue
from socket import socket
from typing import Any

import asyncpg
import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pellucid.auth.mail.sender import smtp
from pellucid.auth.options import AccountOptions, MailOptions
from pellucid.auth.service import Accounts

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
USER, PASSWORD = b"pellucid", b"of/the@server"


class Post:
    """Takes mails, once it has refused as many as it is told to."""

    def __init__(self) -> None:
        self.mails: Queue[Any] = Queue()
        self.refusals = 0

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusals:
            self.refusals -= 1
            return "451 4.3.0 Try again later"
        self.mails.put((session, envelope))
        return "250 OK"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, proof: Any) -> AuthResult:
    fits = (proof.login, proof.password) == (USER, PASSWORD)
    return AuthResult(
        success=fits, handled=False
    )  # what is handled gets no answer from the server: its client would wait


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("mail") / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def scheme() -> str:
    """How mails are handed over; a test says otherwise with `indirect` parameters."""
    return "smtp"


@pytest.fixture
def server(post: Post, scheme: str, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a mail server without user and password."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more: dict[str, Any] = {}
    if scheme != "smtp":
        more = {"authenticator": authenticate, "auth_required": True}
    if scheme == "smtp+starttls":
        more |= {"tls_context": tls, "require_starttls": True}
    if scheme == "smtps":
        more |= {"ssl_context": tls, "auth_require_tls": False}
    controller = Controller(post, hostname="127.0.0.1", port=port, server_hostname="mail.test", **more)
    controller.start()
    yield f"127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
def url(server: str, scheme: str) -> str:
    return f"{scheme}://{server}" if scheme == "smtp" else f"{scheme}://pellucid:of%2Fthe%40server@{server}"


@pytest.fixture
def options(url: str) -> AccountOptions:
    mail = MailOptions(url, "Pellucid <pellucid@example.org>")
    return AccountOptions(limit_addresses=False, verify_email=True, public_url="https://api.example.org", mail=mail)


@pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # with TLS from the start there is no STARTTLS
@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"], ids=str)
async def test_a_mail_arrives(client: httpx.AsyncClient, accounts: Accounts, post: Post, scheme: str) -> None:
    assert (await client.post("/signup", json=ADA)).status_code == 202
    assert await accounts.outbox.empty() == 1
    session, envelope = post.mails.get_nowait()
    message = message_from_bytes(envelope.content)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("pellucid@example.org", ["ada@example.com"])
    assert (message["from"], message["to"]) == ("Pellucid <pellucid@example.org>", "ada@example.com")
    assert bool(session.authenticated) is (scheme != "smtp")
    text = next(part for part in message.walk() if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert isinstance(text, bytes)
    token = text.decode().split("token=")[1].split("&")[0]
    assert (await client.post("/verify", json={"token": token})).status_code == 200


async def test_a_mail_is_sent_in_the_background(client: httpx.AsyncClient, accounts: Accounts, post: Post) -> None:
    """Nobody calls for it here: the commit of the sign-up wakes the sender."""
    await accounts.outbox.start()
    assert (await client.post("/signup", json=ADA)).status_code == 202
    _session, envelope = await wait_for(post)
    assert envelope.rcpt_tos == ["ada@example.com"]


async def test_a_refused_mail_is_tried_again_with_another_link(
    client: httpx.AsyncClient, accounts: Accounts, post: Post, admin: asyncpg.Connection
) -> None:
    post.refusals = 2
    await client.post("/signup", json=ADA)
    waits = []
    for _ in range(2):
        assert await accounts.outbox.empty() == 1
        assert await accounts.outbox.empty() == 0  # not due yet
        waits.append(await admin.fetchval("select extract(epoch from due_at - now()) from auth.outbox"))
        await admin.execute("update auth.outbox set due_at = now()")
    assert 25 < waits[0] <= 30
    assert 55 < waits[1] <= 60
    assert await accounts.outbox.empty() == 1
    assert post.mails.qsize() == 1
    assert await admin.fetchval("select count(*) from auth.outbox") == 0


async def test_a_mail_is_given_up_in_the_end(
    client: httpx.AsyncClient, accounts: Accounts, post: Post, admin: asyncpg.Connection
) -> None:
    post.refusals = 100
    await client.post("/signup", json=ADA)
    await admin.execute("update auth.outbox set attempts = 7")
    assert await accounts.outbox.empty() == 1
    assert await admin.fetchval("select count(*) from auth.outbox") == 0


@pytest.mark.parametrize("scheme", ["smtp+starttls"])
@pytest.mark.parametrize("wrong", ["password", "certificate", "plain"])
async def test_no_mail_goes_where_it_should_not(
    accounts: Accounts, post: Post, server: str, monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient, wrong: str
) -> None:
    """A wrong password, a certificate that nobody vouches for, and a server without the TLS that was asked for."""
    if wrong == "certificate":
        monkeypatch.delenv("SSL_CERT_FILE")
    user = "pellucid:wrong@" if wrong == "password" else "" if wrong == "plain" else "pellucid:of%2Fthe%40server@"
    accounts.outbox._sender = smtp(f"{'smtp' if wrong == 'plain' else 'smtp+starttls'}://{user}{server}")
    await client.post("/signup", json=ADA)
    assert await accounts.outbox.empty() == 1
    assert post.mails.empty()


async def wait_for(post: Post) -> Any:
    """What the server's thread got."""

    return await asyncio.to_thread(post.mails.get, timeout=30)
