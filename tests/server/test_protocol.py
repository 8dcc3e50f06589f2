"""One connection: what a client may do to it, and what it is told when it does too much."""

import asyncio
import json
from contextlib import suppress
from contextvars import ContextVar

import pytest
from msgspec.structs import replace

from pellucid.server.options import Limits, ServerOptions
from pellucid.server.worker import Message
from tests.server.applications import Receive, Send, application, echo, respond
from tests.server.serving import serving

pytestmark = pytest.mark.anyio

SHORT, LONGER = 0.05, 1.0
"""Seconds for what must arrive in time: so long the machine may be busy with something else."""
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ECHO = application(echo)


def post(body: bytes, length: int | None = None) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body) if length is None else length,
        body,
    )


def problem(response: bytes) -> dict[str, object]:
    head, _, body = response.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    assert b'"hint":"' in body, "every refusal has a way out"
    return dict(json.loads(body))


async def test_requests_follow_each_other_on_one_connection() -> None:
    async with serving(ECHO) as served:
        client = await served.connect()
        for body in (b"one", b"two"):
            client.send(post(body))
            assert (await client.response()).endswith(body)
        client.close()


async def test_no_header_tells_what_the_server_is() -> None:
    async with serving(ECHO) as served:
        client = await served.connect()
        client.send(GET)
        response = await client.response()
        client.close()
    assert b"server:" not in response.lower()
    assert b"date:" in response


async def test_a_request_finds_nothing_of_the_one_before_in_its_context() -> None:
    left = ContextVar("left", default="nothing")

    async def answer(_scope: Message, _receive: Receive, send: Send) -> None:
        found = left.get()
        left.set("something")
        await respond(send, found.encode())

    async with serving(application(answer)) as served:
        client = await served.connect()
        for _ in range(2):
            client.send(GET)
            assert (await client.response()).endswith(b"nothing")
        client.close()


class TestHead:
    async def test_headers_that_never_end_are_answered_408(self) -> None:
        async with serving(ECHO, limits=Limits(head_seconds=SHORT)) as served:
            response = await served.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert response.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert problem(response)["code"] == "head-too-slow"

    async def test_a_trickle_of_headers_gains_no_time(self) -> None:
        async with serving(ECHO, limits=Limits(head_seconds=4 * SHORT)) as served:
            client = await served.connect()
            client.send(b"GET / HTTP/1.1\r\n")
            trickle = asyncio.create_task(drip(client.writer, b"a: b\r\n"))
            assert b" 408 " in await client.rest()
            trickle.cancel()

    async def test_a_connection_without_a_word_is_closed_without_one(self) -> None:
        async with serving(ECHO, limits=Limits(head_seconds=SHORT)) as served:
            assert await served.exchange(b"") == b""

    async def test_the_second_request_has_a_deadline_too(self) -> None:
        async with serving(ECHO, limits=Limits(head_seconds=4 * SHORT)) as served:
            client = await served.connect()
            client.send(GET)
            await client.response()
            client.send(b"GET / HT")
            assert b" 408 " in await client.rest()

    async def test_empty_lines_do_not_keep_an_idle_connection_open(self) -> None:
        async with serving(ECHO, limits=Limits(head_seconds=4 * SHORT)) as served:
            client = await served.connect()
            client.send(GET)
            await client.response()
            client.send(b"\r\n")
            await client.rest()

    @pytest.mark.parametrize(
        "head",
        [
            b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 2000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 400 + b"\r\n",
        ],
        ids=["url", "one header", "many headers"],
    )
    async def test_a_head_too_large_is_answered_431(self, head: bytes) -> None:
        async with serving(ECHO, limits=Limits(head_bytes=1000)) as served:
            response = await served.exchange(head)
        assert response.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
        assert problem(response)["code"] == "headers-too-large"

    async def test_a_head_without_end_is_cut_off(self) -> None:
        async with serving(ECHO, limits=Limits(head_bytes=1000)) as served:
            client = await served.connect()
            client.send(b"GET / HTTP/1.1\r\nX: ")
            endless = asyncio.create_task(drip(client.writer, b"a" * 500, pause=0))
            assert b" 431 " in await client.rest()
            endless.cancel()

    async def test_a_large_body_is_no_large_head(self) -> None:
        async with serving(ECHO, limits=Limits(head_bytes=1000)) as served:
            client = await served.connect()
            client.send(post(b"x" * 100_000))
            assert (await client.response()).endswith(b"x" * 100)
            client.close()


class TestBody:
    SLOW = Limits(body_bytes=100, body_seconds=SHORT)

    async def test_a_body_that_does_not_come_is_answered_408(self) -> None:
        async with serving(ECHO, limits=self.SLOW) as served:
            response = await served.exchange(post(b"x" * 10, length=1000))
        assert response.startswith(b"HTTP/1.1 408 ")
        assert problem(response)["code"] == "body-too-slow"

    async def test_a_trickle_is_cut_off(self) -> None:
        async with serving(ECHO, limits=replace(self.SLOW, body_bytes=100_000)) as served:
            client = await served.connect()
            client.send(post(b"", length=10_000_000))
            trickle = asyncio.create_task(drip(client.writer, b"x" * 100))
            assert b" 408 " in await client.rest()
            trickle.cancel()

    async def test_a_steady_body_may_take_long(self) -> None:
        async with serving(ECHO, limits=Limits(body_bytes=1, body_seconds=LONGER)) as served:
            client = await served.connect()
            client.send(post(b"", length=12))
            for _ in range(12):
                client.send(b"x")
                await asyncio.sleep(LONGER / 10)
            assert (await client.response()).endswith(b"x" * 12)
            client.close()

    async def test_a_client_that_the_application_keeps_waiting_is_not_at_fault(self) -> None:
        async def answer(scope: Message, receive: Receive, send: Send) -> None:
            await asyncio.sleep(1.2 * LONGER)
            await echo(scope, receive, send)

        async with serving(application(answer), limits=replace(self.SLOW, body_seconds=LONGER)) as served:
            client = await served.connect()
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            await client.reader.readuntil(b"100 Continue\r\n\r\n")
            client.send(b"abc")
            assert (await client.response()).endswith(b"abc")
            client.close()

    async def test_an_early_answer_reaches_a_client_that_is_still_sending(self) -> None:
        async def refuse(_scope: Message, _receive: Receive, send: Send) -> None:
            await respond(send, b"too large", 413)

        async with serving(application(refuse)) as served:
            client = await served.connect()
            client.send(post(b"x" * 3_000_000))
            assert (await client.response()).startswith(b"HTTP/1.1 413 ")
            client.send(GET)  # the body came to its end, so the connection goes on
            assert (await client.response()).startswith(b"HTTP/1.1 413 ")
            client.close()

    async def test_what_comes_after_an_early_answer_is_swallowed_for_a_while_only(self) -> None:
        async def refuse(_scope: Message, _receive: Receive, send: Send) -> None:
            await respond(send, b"too large", 413)

        async with serving(application(refuse), limits=Limits(linger_seconds=SHORT)) as served:
            client = await served.connect()
            client.send(post(b"", length=10**9))
            endless = asyncio.create_task(drip(client.writer, b"x" * 10_000))
            assert (await client.rest()).startswith(b"HTTP/1.1 413 ")
            endless.cancel()


async def test_a_response_that_nobody_reads_is_given_up() -> None:
    cut = asyncio.Event()

    async def flood(send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not cut.is_set():
            await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})

    async def answer(_scope: Message, receive: Receive, send: Send) -> None:
        flooding = asyncio.create_task(flood(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        cut.set()
        await flooding

    async with serving(application(answer), limits=Limits(stall_seconds=SHORT)) as served:
        client = await served.connect()
        client.send(GET)
        await cut.wait()
        client.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_answered_400_and_cut_off(request_: bytes) -> None:
    """Two readers of the same bytes must never see two different requests (request smuggling)."""
    async with serving(ECHO) as served:
        response = await served.exchange(request_)
    assert response.startswith(b"HTTP/1.1 400 Bad Request\r\n"), response
    assert problem(response)["code"] == "malformed-http"
    assert response.count(b"HTTP/1.1 ") == 1


async def test_nothing_after_the_last_request_is_a_request() -> None:
    async with serving(ECHO) as served:
        response = await served.exchange(GET.replace(b"Host", b"Connection: close\r\nHost") + GET)
    assert response.count(b"HTTP/1.1 ") == 1


async def test_http_1_0_needs_no_host() -> None:
    async with serving(ECHO) as served:
        assert (await served.exchange(b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_refusal_is_never_written_into_a_response_under_way() -> None:
    begun = asyncio.Event()
    finish = asyncio.Event()

    async def answer(_scope: Message, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        begun.set()
        await finish.wait()

    async with serving(application(answer)) as served:
        client = await served.connect()
        client.send(GET)
        await begun.wait()
        client.send(b"nonsense\r\n\r\n")
        received = await client.rest()
        finish.set()
    assert received.endswith(b"\r\n\r\nab")


class TestForwarded:
    FORWARDED = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"

    @staticmethod
    async def answer(scope: Message, _receive: Receive, send: Send) -> None:
        await respond(send, f"{scope['client'][0]} {scope['scheme']}".encode())

    @pytest.mark.parametrize(
        ("proxies", "seen"),
        [((), b"127.0.0.1 http"), (("127.0.0.1",), b"203.0.113.9 https"), (("192.0.2.1",), b"127.0.0.1 http")],
    )
    async def test_forwarded_headers_are_believed_from_listed_proxies_only(
        self, proxies: tuple[str, ...], seen: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
        async with serving(application(self.answer), options=ServerOptions(proxies=proxies)) as served:
            client = await served.connect()
            client.send(self.FORWARDED)
            assert (await client.response()).endswith(seen)
            client.close()


class TestStopping:
    async def test_a_request_under_way_is_answered(self) -> None:
        begun, finish = asyncio.Event(), asyncio.Event()

        async def answer(_scope: Message, _receive: Receive, send: Send) -> None:
            begun.set()
            await finish.wait()
            await respond(send, b"done")

        async with serving(application(answer)) as served:
            client = await served.connect()
            client.send(GET)
            await begun.wait()
            served.server.stop()
            finish.set()
            response = await client.rest()
        assert response.endswith(b"done")

    async def test_a_request_that_is_on_its_way_is_answered(self) -> None:
        async with serving(ECHO, limits=Limits(drain_seconds=5)) as served:
            client = await served.connect()
            client.send(GET)
            await client.response()
            (connection,) = served.server.server_state.connections
            connection.shutdown()
            client.send(post(b"late"))
            response = await client.rest()
        assert response.endswith(b"late")
        assert b"connection: close" in response

    async def test_idle_connections_hold_nothing_up(self) -> None:
        async with serving(ECHO) as served:
            client = await served.connect()
            client.send(GET)
            await client.response()
            served.server.stop()
            assert await client.rest() == b""

    async def test_a_request_without_end_is_cut_off(self) -> None:
        begun = asyncio.Event()

        async def answer(_scope: Message, _receive: Receive, _send: Send) -> None:
            begun.set()
            await asyncio.Event().wait()

        options = ServerOptions(shutdown_seconds=0)
        async with serving(application(answer), options=options) as served:
            client = await served.connect()
            client.send(GET)
            await begun.wait()
        assert b" 500 " in await client.rest()


async def drip(writer: asyncio.StreamWriter, drop: bytes, pause: float = SHORT / 10) -> None:
    """Send the same again and again, until the other side hangs up."""
    with suppress(ConnectionError):
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(pause)


async def test_fields_behind_a_chunked_body_are_no_headers_and_are_counted() -> None:
    """A proxy strips headers it does not let through, but looks at no trailer."""
    seen: list[list[bytes]] = []
    begun = asyncio.Event()

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            begun.set()
        seen.append([name for name, _ in scope["headers"]])
        await respond(send, b"read")

    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    limits = replace(Limits(), head_bytes=2_000)
    async with serving(application(answer), options=ServerOptions(limits=limits)) as served:
        assert await served.exchange(
            chunked + b"Authorization: x\r\n\r\n" + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
        assert b"authorization" not in seen[0]
        client = await served.connect()
        begun.clear()
        client.send(chunked)
        await begun.wait()
        client.send(b"X-T: aaaa\r\n" * 1_000)
        assert b" 431 " in await client.response()
        client.close()
