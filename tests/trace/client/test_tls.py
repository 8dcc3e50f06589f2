"""TLS with a real chain: what is told, what is refused and why, and what makes the second time shorter."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pellucid.observe import Stage
from pellucid.trace.client.asked import Asked, Version, Ways
from pellucid.trace.client.client import Client
from pellucid.trace.client.failure import Failed
from tests.trace.client.authority import Authority, Served, pem, sign
from tests.trace.client.conftest import Asker, facts, stages
from tests.trace.client.servers import quic, raw, saying

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
VERSIONS = [Version.ONE, Version.TWO, Version.THREE]


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_chain_is_told_from_leaf_to_root(version: Version, authority: Authority, secure: int) -> None:
    journey = await Asker(Ways(version=version, cacert=authority.root))(f"https://localhost:{secure}/")
    told = facts(journey, Stage.TLS)
    assert told["chain"] == "localhost ← Test Intermediate ← Test Root"
    assert told["names"] == "localhost, api.test, 127.0.0.1"
    assert (told["verified"], told["resumed"]) == (True, False)
    assert str(told["version"]).startswith("TLS 1.3")
    assert told["alpn"] == {Version.ONE: "http/1.1", Version.TWO: "h2", Version.THREE: "h3"}[version]
    assert isinstance(told["days_left"], int)
    assert "by Test Root" in str(told["certificate_1"])


@pytest.mark.parametrize("version", [Version.ANY, Version.THREE])
async def test_an_authority_that_nobody_knows_is_refused(version: Version, secure: int) -> None:
    asker = Asker(Ways(version=version))
    journey = await asker(f"https://localhost:{secure}/")
    assert asker.failure is not None
    assert asker.failure.message.startswith("nobody trusted has signed for Test Intermediate")
    assert stages(journey) == [Stage.DNS, Stage.CONNECT, Stage.TLS]
    assert str(facts(journey, Stage.TLS)["verified"]).startswith("nobody trusted")


@pytest.mark.parametrize("version", [Version.ANY, Version.THREE])
async def test_insecure_goes_on_and_says_so(version: Version, secure: int) -> None:
    journey = await Asker(Ways(version=version, insecure=True))(f"https://localhost:{secure}/")
    assert journey.last.status == 200
    assert str(facts(journey, Stage.TLS)["verified"]).startswith("nobody trusted")


CASES: list[tuple[str, dict[str, object], str]] = [
    ("localhost", {"ends": timedelta(days=-3)}, "the certificate of localhost ran out on "),
    ("other.test", {}, "the certificate is for other.test, not for localhost"),
    ("localhost", {"whole": False}, "nobody trusted has signed for localhost: Test Intermediate is missing"),
    ("localhost", {"server": False}, "the certificate is not meant for servers"),
]


@pytest.mark.parametrize(("name", "how", "message"), CASES)
async def test_a_certificate_that_proves_nothing_is_refused(
    name: str, how: dict[str, object], message: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with raw(saying(ANSWER), authority.leaf(name, **how)) as port:  # type: ignore[arg-type] # the cases are data
        asker = Asker(Ways(cacert=authority.root))
        journey = await asker(f"https://localhost:{port}/", "GET", ("authorization", "Bearer canary"))
        assert asker.failure is not None
        assert asker.failure.message.startswith(message)
        assert Stage.SEND not in stages(journey)
        assert (await Asker(Ways(insecure=True))(f"https://localhost:{port}/")).last.status == 204


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_new_connection_takes_the_session_up_again(version: Version, authority: Authority, secure: int) -> None:
    async with Client(Ways(version=version, cacert=authority.root, kept=False)) as client:
        asked = Asked("GET", f"https://localhost:{secure}/")
        first, second = await client.visit(asked, len), await client.visit(asked, len)
    assert facts(first, Stage.TLS)["resumed"] is False
    if version is not Version.THREE or facts(second, Stage.TLS)["resumed"]:  # hypercorn keeps no sessions of QUIC
        assert facts(second, Stage.TLS)["resumed"] is True
    assert facts(second, Stage.TLS)["chain"] == facts(first, Stage.TLS)["chain"]


async def test_a_session_is_not_taken_for_another_name(authority: Authority, secure: int) -> None:
    resolve = {("api.test", secure): ("127.0.0.1",)}
    async with Client(Ways(cacert=authority.root, kept=False, resolve=resolve)) as client:
        await client.visit(Asked("GET", f"https://localhost:{secure}/"), len)
        other = await client.visit(Asked("GET", f"https://api.test:{secure}/"), len)
    assert facts(other, Stage.TLS)["resumed"] is False


async def test_one_that_signed_for_itself_is_said_so(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "own.pem").write_bytes(pem(sign("localhost", key, None, key, ["localhost"])))
    (tmp_path / "own.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    served = Served(tmp_path / "own.pem", tmp_path / "own.key")
    async with raw(saying(ANSWER), served) as port:
        asker = Asker(Ways())
        await asker(f"https://localhost:{port}/")
        assert asker.failure is not None
        assert asker.failure.message == "localhost has signed for itself, and is not trusted here"
        trusting = Ways(cacert=served.chain)
        assert (await Asker(trusting)(f"https://localhost:{port}/")).last.status == 204


async def test_a_certificate_may_be_for_an_address(authority: Authority, secure: int) -> None:
    assert (await Asker(Ways(cacert=authority.root))(f"https://127.0.0.1:{secure}/")).last.status == 200


async def test_a_port_without_tls_is_recognised(plain: int) -> None:
    asker = Asker(Ways())
    await asker(f"https://127.0.0.1:{plain}/")
    assert asker.failure is not None
    assert asker.failure.message == f"127.0.0.1:{plain} does not speak TLS"


async def test_a_server_that_hangs_up_in_the_handshake_is_said_so() -> None:
    async with raw(saying(b"")) as port:
        asker = Asker(Ways())
        await asker(f"https://127.0.0.1:{port}/")
    assert asker.failure is not None
    assert "hung up in the middle of the TLS handshake" in asker.failure.message


async def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("nothing")
    with pytest.raises(Failed, match="holds no certificates"):
        await Asker(Ways(cacert=tmp_path / "none.pem"))("https://localhost/")


async def test_quic_takes_a_session_up_again(authority: Authority) -> None:
    async with quic(authority.leaf("localhost", "127.0.0.1")) as port:
        ways = Ways(version=Version.THREE, cacert=authority.root, kept=False)
        async with Client(ways) as client:
            runs = [await client.visit(Asked("GET", f"https://127.0.0.1:{port}/"), len) for _ in range(3)]
    assert [run.last.status for run in runs] == [204, 204, 204]
    assert [facts(run, Stage.TLS)["resumed"] for run in runs] == [False, True, True]
    chains = {facts(run, Stage.TLS)["chain"] for run in runs}
    assert len(chains) == 1
