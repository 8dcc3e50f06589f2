"""What a body says it is, and forms."""

import pytest
from fastapi import Request
from starlette.datastructures import Headers

from pellucid.errors import UnsupportedMediaType
from pellucid.web.content import FORM_BYTES, is_json, read_form, require_json
from tests.web.site import Site


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/geo+json",
    ],
)
def test_json_says_so(content_type: str) -> None:
    require_json(Headers({"Content-Type": content_type}))
    assert is_json(Headers({"Content-Type": content_type}))


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/json", "application/jsonp", "application/json/x", "json", "application/x-www-form-urlencoded",
     "multipart/form-data; boundary=application/json", "text/plain; application/json", "text/plain, application/json"],
)  # fmt: skip
def test_nothing_else_is_taken_for_json(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=r"must say that it is JSON"):
        require_json(Headers({"Content-Type": content_type}))


def test_two_content_types_are_none() -> None:
    with pytest.raises(UnsupportedMediaType):
        require_json(Headers(raw=[(b"content-type", b"application/json"), (b"content-type", b"text/plain")]))
    with pytest.raises(UnsupportedMediaType):
        require_json(Headers({}))


def test_compressed_bodies_are_refused() -> None:
    with pytest.raises(UnsupportedMediaType, match="gzip"):
        require_json(Headers({"Content-Type": "application/json", "Content-Encoding": "gzip"}))
    require_json(Headers({"Content-Type": "application/json", "Content-Encoding": "identity"}))


@pytest.fixture
def site(site: Site) -> Site:
    @site.app.post("/token")
    async def token(request: Request) -> dict[str, str]:
        return await read_form(request)

    return site


@pytest.mark.anyio
async def test_a_form_is_read(site: Site) -> None:
    async with site.client() as client:
        response = await client.post("/token", data={"username": "ä@example.com", "password": "a+b & c", "scope": ""})
    assert response.json() == {"username": "ä@example.com", "password": "a+b & c", "scope": ""}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"a=1", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"a=1", {"Content-Type": "application/json"}, 415),
        (b"a=1", {}, 415),
        (b"a=1", {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}, 415),
        (b"a=1&a=2", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (
            b"&".join(b"a%d=1" % number for number in range(50)),
            {"Content-Type": "application/x-www-form-urlencoded"},
            400,
        ),
        (b"a=%ff%fe", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"a=\xff", {"Content-Type": "application/x-www-form-urlencoded"}, 400),
        (b"a=" + b"x" * FORM_BYTES, {"Content-Type": "application/x-www-form-urlencoded"}, 413),
    ],
)
async def test_a_form_that_is_none_or_too_much_is_refused(
    site: Site, content: bytes, headers: dict[str, str], status: int
) -> None:
    async with site.client() as client:
        response = await client.post("/token", content=content, headers=headers)
    assert response.status_code == status, response.text
    assert response.json()["hint"]
