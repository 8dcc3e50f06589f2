"""HTTP/1.1, 2 and 3: the same request, and what each of them shows on the wire."""

import asyncio
import json
from itertools import pairwise

import h2.config
import h2.connection
import h2.events
import pytest

from pellucid.observe import Stage
from pellucid.trace.client.asked import Asked, Version, Ways
from pellucid.trace.client.client import Client
from tests.trace.client.authority import Authority
from tests.trace.client.conftest import Asker, facts, stages
from tests.trace.client.servers import raw, saying
from tests.trace.client.site import BIG

ALL = [
    ("http", Version.ONE, "1.1"),
    ("http", Version.TWO, "2"),
    ("https", Version.ONE, "1.1"),
    ("https", Version.ANY, "2"),
    ("https", Version.THREE, "3"),
]
every_version = pytest.mark.parametrize(("scheme", "version", "spoken"), ALL)
WAY = [Stage.DNS, Stage.CONNECT, Stage.TLS, Stage.SEND, Stage.WAIT, Stage.RECEIVE]


@pytest.fixture
def base(request: pytest.FixtureRequest, scheme: str) -> str:
    """The site's address by a scheme."""
    port = request.getfixturevalue("secure" if scheme == "https" else "plain")
    return f"{scheme}://127.0.0.1:{port}"


@every_version
async def test_a_request_arrives_as_it_was_asked(
    base: str, version: Version, spoken: str, authority: Authority
) -> None:
    asker = Asker(Ways(version=version, cacert=authority.root))
    journey = await asker(f"{base}/echo?a=1", "POST", ("content-type", "text/plain"), ("x-own", "ä"), body=b"hello")
    echo = json.loads(asker.body)
    assert (echo["method"], echo["http"], echo["body"]) == ("POST", spoken, "hello")
    assert echo["headers"]["content-length"] == "5"
    assert journey.last.http == f"HTTP/{spoken}"
    assert (journey.last.status, journey.last.reason) == (200, "OK")
    assert stages(journey) == [stage for stage in WAY if stage is not Stage.TLS or base.startswith("https")]


@every_version
async def test_the_rows_lie_one_behind_the_other(
    base: str, version: Version, spoken: str, authority: Authority
) -> None:
    journey = await Asker(Ways(version=version, cacert=authority.root))(f"{base}/")
    rows = journey.last.rows
    assert all(before.start + before.seconds <= after.start for before, after in pairwise(rows))
    assert facts(journey, Stage.CONNECT)["transport"] == ("QUIC over UDP" if spoken == "3" else "TCP")
    assert str(facts(journey, Stage.CONNECT)["local"]).startswith("127.0.0.1:")


@every_version
async def test_sizes_are_those_on_the_wire(base: str, version: Version, spoken: str, authority: Authority) -> None:
    asker = Asker(Ways(version=version, cacert=authority.root))
    received = facts(await asker(f"{base}/big"), Stage.RECEIVE)
    assert asker.body == BIG
    assert received["body_bytes"] == len(BIG)
    assert 0 < int(received["header_bytes"]) < 400
    on_wire = received["udp_bytes"] if spoken == "3" else received["body_on_wire"]
    assert len(BIG) <= int(on_wire) < 1.1 * len(BIG)


@every_version
async def test_a_large_body_is_sent_whole(base: str, version: Version, spoken: str, authority: Authority) -> None:
    asker = Asker(Ways(version=version, cacert=authority.root))
    await asker(f"{base}/echo", "PUT", body=b"x" * 300_000)
    assert len(json.loads(asker.body)["body"]) == 300_000


@every_version
async def test_a_kept_connection_needs_no_way(base: str, version: Version, spoken: str, authority: Authority) -> None:
    async with Client(Ways(version=version, cacert=authority.root)) as client:
        await client.visit(Asked("GET", f"{base}/"), len)
        again = await client.visit(Asked("GET", f"{base}/big"), len)
    assert stages(again) == [Stage.SEND, Stage.WAIT, Stage.RECEIVE]
    assert facts(again, Stage.SEND)["connection"] == "kept, request 2"


async def test_head_has_no_body(authority: Authority, plain: int, secure: int) -> None:
    for version, url in (
        (Version.ONE, f"http://127.0.0.1:{plain}/big"),
        (Version.TWO, f"https://127.0.0.1:{secure}/big"),
        (Version.THREE, f"https://127.0.0.1:{secure}/big"),
    ):
        journey = await Asker(Ways(version=version, cacert=authority.root))(url, "HEAD")
        assert (journey.last.status, facts(journey, Stage.RECEIVE)["body_bytes"]) == (200, 0)


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async with raw(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as port, Client(Ways()) as client:
        asked = Asked("GET", f"http://127.0.0.1:{port}/")
        runs = [await client.visit(asked, len) for _ in range(3)]
    assert [run.last.status for run in runs] == [200, 200, 200]
    assert stages(runs[2])[0] is Stage.DNS


async def test_one_that_says_close_is_not_kept() -> None:
    async with (
        raw(saying(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")) as port,
        Client(Ways()) as client,
    ):
        asked = Asked("GET", f"http://127.0.0.1:{port}/")
        await client.visit(asked, len)
        assert Stage.CONNECT in stages(await client.visit(asked, len))


async def test_answers_that_only_announce_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 201 \r\ncontent-length: 0\r\n\r\n"
    async with raw(saying(early)) as port:
        journey = await Asker(Ways())(f"http://127.0.0.1:{port}/")
    assert (journey.last.status, journey.last.reason) == (201, "Created")


BROKEN = [
    (b"", "hung up without an answer"),
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP/1.1"),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "broke off"),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "not HTTP/1.1"),
]


@pytest.mark.parametrize(("answer", "message"), BROKEN)
async def test_an_answer_that_is_none_is_said_so(answer: bytes, message: str) -> None:
    async with raw(saying(answer)) as port:
        asker = Asker(Ways())
        journey = await asker(f"http://127.0.0.1:{port}/")
    assert asker.failure is not None
    assert message in asker.failure.message
    assert stages(journey)[:2] == [Stage.DNS, Stage.CONNECT]


async def test_a_body_that_is_not_wanted_is_cut_off_and_the_answer_is_heard() -> None:
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        state.initiate_connection()
        while not any(
            isinstance(event, h2.events.RequestReceived) for event in state.receive_data(await reader.read(65536))
        ):
            pass
        state.send_headers(1, [(":status", "413")], end_stream=True)
        state.reset_stream(1)
        writer.write(state.data_to_send())
        await writer.drain()
        await reader.read()
        writer.close()

    async with raw(refusing) as port:
        journey = await Asker(Ways(version=Version.TWO))(f"http://127.0.0.1:{port}/", "POST", body=b"x" * 500_000)
    assert journey.last.status == 413


async def test_http2_that_is_none_is_said_so() -> None:
    async with raw(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        asker = Asker(Ways(version=Version.TWO))
        await asker(f"http://127.0.0.1:{port}/")
    assert asker.failure is not None
    assert "HTTP/2" in asker.failure.hint


async def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    done = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with raw(silent) as port:
        asker = Asker(Ways(timeout=0.1))
        journey = await asker(f"http://127.0.0.1:{port}/")
        done.set()
    assert asker.failure is not None
    assert asker.failure.message == "there was no whole answer within 0.1 s"
    assert facts(journey, Stage.WAIT)["failed"] == "it was not finished"


@pytest.mark.parametrize("version", [Version.ANY, Version.THREE])
async def test_a_port_where_nobody_listens_is_refused(version: Version) -> None:
    scheme = "https" if version is Version.THREE else "http"
    asker = Asker(Ways(version=version))
    journey = await asker(f"{scheme}://127.0.0.1:1/")
    assert asker.failure is not None
    assert asker.failure.message.startswith("127.0.0.1 cannot be reached on port 1")
    assert stages(journey) == [Stage.DNS, Stage.CONNECT]


async def test_http3_is_for_https_only(plain: int) -> None:
    asker = Asker(Ways(version=Version.THREE))
    await asker(f"http://127.0.0.1:{plain}/")
    assert asker.failure is not None
    assert asker.failure.message == "HTTP/3 is always behind TLS"


@pytest.mark.parametrize("version", [Version.ANY, Version.THREE])
async def test_a_dead_address_gives_way_to_one_that_lives(version: Version, authority: Authority, secure: int) -> None:
    resolve = {("api.test", secure): ("::1", "127.0.0.1")}
    journey = await Asker(Ways(version=version, cacert=authority.root, resolve=resolve))(f"https://api.test:{secure}/")
    told = facts(journey, Stage.CONNECT)
    assert str(told["remote"]) == f"127.0.0.1:{secure}"
    assert str(told["tried"]).startswith("::1 ")
    assert "127.0.0.1 answered" in str(told["tried"])


@pytest.mark.parametrize("version", [Version.ONE, Version.TWO])
async def test_a_request_that_breaks_the_rules_is_not_quoted(version: Version, plain: int) -> None:
    asker = Asker(Ways(version=version))
    await asker(f"http://127.0.0.1:{plain}/", "GET", ("authorization", "can\nary"))
    assert asker.failure is not None
    assert asker.failure.message == "the request cannot be sent: it breaks the rules of HTTP"
