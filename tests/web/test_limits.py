"""How much of a request is read, before and while it arrives."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Request
from starlette.types import Message

from pellucid.errors import BodyTooLarge, BodyTooSlow
from pellucid.web.limits import Limiter
from pellucid.web.options import Limits, WebOptions
from tests.web.site import Site

pytestmark = pytest.mark.anyio

SMALL = Limits(body=1024, url=200, headers=2000, header_count=20)


class Reader:
    """A route that counts the bytes it gets to see."""

    def __init__(self) -> None:
        self.seen = 0

    async def __call__(self, request: Request) -> int:
        async for piece in request.stream():
            self.seen += len(piece)
        return self.seen


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def site(reader: Reader) -> Site:
    site = Site(WebOptions(limits=SMALL))
    site.app.post("/read")(reader.__call__)
    site.app.get("/read")(reader.__call__)
    site.app.post("/rest/v1/read")(reader.__call__)
    return site


async def pieces(count: int, size: int = 100) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def test_a_body_up_to_the_limit_is_read(site: Site) -> None:
    async with site.client() as client:
        assert (await client.post("/read", content=b"x" * 1024)).json() == 1024
        assert (await client.post("/read", content=pieces(10))).json() == 2024


async def test_a_body_that_announces_itself_as_too_large_is_not_read(site: Site, reader: Reader) -> None:
    async with site.client() as client:
        response = await client.post("/read", content=b"x" * 1025)
    assert (response.status_code, response.json()["code"]) == (413, "body-too-large")
    assert response.json()["detail"] == "The body has more than 1 KiB; that is all this server reads."
    assert reader.seen == 0


async def test_a_body_without_a_length_is_counted_while_it_arrives(site: Site, reader: Reader) -> None:
    async with site.client() as client:
        response = await client.post("/read", content=pieces(1000))
    assert response.status_code == 413
    assert reader.seen <= 1024


async def test_the_other_style_says_it_in_its_way(site: Site) -> None:
    async with site.client() as client:
        response = await client.post("/rest/v1/read", content=b"x" * 1025)
    assert (response.status_code, sorted(response.json())) == (413, ["code", "details", "hint", "message"])


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "abc")],
        [("Content-Length", "-1")],
        [("Content-Length", "+1")],
        [("Content-Length", "1"), ("Content-Length", "2")],
        [("Content-Length", "1"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "٣".encode().decode("latin-1"))],
        [("Transfer-Encoding", "gzip, chunked")],
        [("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    ],
)
async def test_a_body_whose_end_is_uncertain_is_refused(site: Site, headers: list[tuple[str, str]]) -> None:
    async with site.client() as client:
        request = httpx.Request("POST", "http://localhost/read", content=b"x")
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        request.headers = httpx.Headers([(b"Host", b"localhost"), *raw])
        response = await client.send(request)
    assert (response.status_code, response.json()["code"]) == (400, "malformed-body")


@pytest.mark.parametrize(
    "header", [("Content-Length", "1 "), ("Content-Length", "\t1"), ("Transfer-Encoding", "Chunked ")]
)
async def test_space_around_a_value_is_no_part_of_it(site: Site, header: tuple[str, str]) -> None:
    async with site.client() as client:
        request = httpx.Request("POST", "http://localhost/read", content=b"x")
        request.headers = httpx.Headers([("Host", "localhost"), header])
        assert (await client.send(request)).json() == 1


async def test_a_million_faults_are_not_all_told(site: Site) -> None:
    @site.app.post("/numbers")
    def numbers(numbers: list[int]) -> int:
        return len(numbers)

    site.options = WebOptions()
    async with site.client() as client:
        response = await client.post("/numbers", json=["x"] * 1000)
    assert response.status_code == 422
    assert len(response.json()["errors"]) == 100


async def test_a_length_of_many_digits_is_too_large(site: Site) -> None:
    async with site.client() as client:
        response = await client.post("/read", content=b"x", headers={"Content-Length": "9" * 500})
    assert response.status_code == 413


async def test_a_long_url_is_refused(site: Site) -> None:
    async with site.client() as client:
        assert (await client.get("/read?q=" + "x" * 150)).status_code == 200
        response = await client.get("/read?q=" + "x" * 200)
    assert (response.status_code, response.json()["code"]) == (414, "url-too-long")


async def test_too_many_or_too_large_headers_are_refused(site: Site) -> None:
    async with site.client() as client:
        many = await client.get("/read", headers={f"X-{number}": "1" for number in range(30)})
        large = await client.get("/read", headers={"Cookie": "x" * 3000})
    assert (many.status_code, many.json()["code"]) == (431, "headers-too-large")
    assert (large.status_code, large.json()["code"]) == (431, "headers-too-large")


def scope(*headers: tuple[bytes, bytes], version: str = "1.1") -> dict[str, object]:
    return {
        "type": "http", "method": "POST", "path": "/read", "query_string": b"", "http_version": version, "headers": list(headers),
    }  # fmt: skip


async def drain(scope: dict[str, object], pieces: list[bytes], limits: Limits) -> int:
    """Read a body through the limiter; once the pieces are used up, nothing more arrives."""
    silence = asyncio.Event()
    total = 0

    async def receive() -> Message:
        if not pieces:
            await silence.wait()
        return {"type": "http.request", "body": pieces.pop(0), "more_body": True}

    async def app(scope: object, receive: object, send: object) -> None:
        nonlocal total
        while True:
            total += len((await receive())["body"])  # type: ignore[operator]

    async def send(message: Message) -> None:
        pass

    await Limiter(app, limits=limits)(scope, receive, send)
    return total


async def test_a_body_that_stops_arriving_is_given_up() -> None:
    limits = Limits(body_seconds=0.01)
    with pytest.raises(BodyTooSlow, match=r"within 0\.01 seconds"):
        await drain(scope((b"transfer-encoding", b"chunked")), [b"a", b"b"], limits)


async def test_later_versions_of_http_need_no_header_for_a_body() -> None:
    with pytest.raises(BodyTooLarge):
        await drain(scope(version="2"), [b"x" * 10] * 10, Limits(body=50))


async def test_a_request_without_a_body_is_left_alone(site: Site) -> None:
    """Waiting for the client to leave is not reading a body: it may take as long as it likes."""
    site.options = WebOptions(limits=Limits(body_seconds=0.0))

    @site.app.get("/leave")
    async def leave(request: Request) -> bool:
        return await request.is_disconnected()

    async with site.client() as client:
        assert (await client.get("/leave")).status_code == 200
