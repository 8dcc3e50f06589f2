"""No exception gets through: whatever is raised, wherever it is raised, the client has an answer that it can use."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping

import pytest
from fastapi import BackgroundTasks, FastAPI, Form, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field, field_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pellucid.errors import DatabaseError, Interrupted, PellucidError, Unavailable, UnknownTable
from pellucid.web.catcher import was_logged
from pellucid.web.options import WebOptions
from tests.web.site import Site

pytestmark = pytest.mark.anyio

CANARY = "canary-5f1d"


class Address(BaseModel):
    zip: str = Field(min_length=5)


class Person(BaseModel):
    name: str
    age: int = Field(ge=0)
    address: Address
    password: str

    @field_validator("password")
    @classmethod
    def long(cls, password: str) -> str:
        if len(password) < 8:
            raise ValueError("it is too short")
        return password


async def people(person: Person, page: int = 1) -> Person:
    return person


async def forms(name: str = Form()) -> str:
    return name


async def boom() -> None:
    raise RuntimeError(f"SELECT {CANARY}")


def sync_boom() -> None:
    raise RuntimeError(CANARY)


CHOSEN: Mapping[str, Exception] = {
    "text": HTTPException(418, "I am a teapot.", headers={"X-Tea": "green"}),
    "object": HTTPException(409, {"left": 3}),
    "empty": HTTPException(304),
    "odd": HTTPException(499),
    "found": HTTPException(404, "No such tea."),
    "ours": UnknownTable("There is no table."),
}


async def teapot(kind: str) -> None:
    raise CHOSEN[kind]


async def wrapped() -> None:
    raise HTTPException(400, "outer") from UnknownTable("inner")


async def liar() -> dict[str, str]:
    return {"name": CANARY}


@pytest.fixture
def site(site: Site) -> Site:
    site.app.post("/people")(people)
    site.app.post("/forms")(forms)
    site.app.get("/boom")(boom)
    site.app.get("/sync-boom")(sync_boom)
    site.app.get("/teapot/{kind}")(teapot)
    site.app.get("/wrapped")(wrapped)
    site.app.get("/liar", response_model=Person)(liar)
    return site


async def test_all_bad_fields_are_told_at_once_and_none_is_repeated(site: Site) -> None:
    body = {"age": -1, "address": {"zip": "1"}, "password": "hunter2"}
    async with site.client() as client:
        response = await client.post("/people?page=x", json=body)
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": "query.page", "message": "Input should be a valid integer, unable to parse string as an integer",
         "hint": "Send a whole number, without quotes."},
        {"field": "name", "message": "Field required", "hint": "Add this field."},
        {"field": "age", "message": "Input should be greater than or equal to 0", "hint": "Send 0 or more."},
        {"field": "address.zip", "message": "String should have at least 5 characters", "hint": "Send at least 5 characters."},
        {"field": "password", "message": "it is too short"},
    ]  # fmt: skip
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"name":"x",}', "at character"),
        (b"", "Not valid"),
        (b'{"name":"\xff\xfe"}', "UTF-8"),
        (b"[" * 200_000, "body"),
        (b'{"a":1}{', "Extra data"),
    ],
)
async def test_json_that_is_none_is_refused_with_a_reason(site: Site, body: bytes, says: str) -> None:
    async with site.client() as client:
        response = await client.post("/people", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert says in response.json()["detail"]
    assert response.json()["hint"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
        "x",
    ],
)
async def test_json_without_its_content_type_is_never_read_as_json(site: Site, content_type: str | None) -> None:
    whole = b'{"name":"x","age":1,"address":{"zip":"12345"},"password":"12345678"}'
    headers = {"Content-Type": content_type} if content_type else {}
    async with site.client() as client:
        response = await client.post("/people", content=whole, headers=headers)
        assert response.status_code == 415, response.text
        assert response.json()["code"] == "unsupported-media-type"
        good = await client.post("/people", content=whole, headers={"Content-Type": "application/json; charset=utf-8"})
        assert good.status_code == 200


async def test_a_form_that_is_none_is_refused(site: Site) -> None:
    async with site.client() as client:
        broken = await client.post(
            "/forms", content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        missing = await client.post("/forms", data={"other": "1"})
    assert broken.status_code in (400, 422)
    assert missing.json()["errors"] == [{"field": "name", "message": "Field required", "hint": "Add this field."}]


@pytest.mark.parametrize("path", ["/boom", "/sync-boom"])
@pytest.mark.parametrize("production", [True, False])
async def test_what_nobody_expected_tells_the_client_a_request_id_and_no_more(
    site: Site, path: str, production: bool, caplog: pytest.LogCaptureFixture
) -> None:
    site.options = WebOptions(production=production)
    async with site.client() as client:
        response = await client.get(path)
    problem = response.json()
    assert response.status_code == 500
    assert problem["code"] == "internal"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert CANARY not in response.text
    assert "Traceback" not in response.text
    assert ("RuntimeError" in response.text) is not production
    [record] = [record for record in caplog.records if record.name == "pellucid.web"]
    assert record.exc_info
    assert CANARY in str(record.exc_info[1])


async def test_what_somebody_chose_with_httpexception_is_kept(site: Site) -> None:
    async with site.client() as client:
        text = await client.get("/teapot/text")
        assert text.status_code == 418
        assert text.headers["x-tea"] == "green"
        assert text.json()["detail"] == "I am a teapot."
        assert text.json()["type"] == "about:blank"
        assert text.json()["title"] == "I'm a Teapot"
        data = await client.get("/teapot/object")
        assert data.json()["answer"] == {"left": 3}
        assert (data.json()["detail"], data.json()["code"]) == ("Conflict", "http-409")
        empty = await client.get("/teapot/empty")
        assert (empty.status_code, empty.content) == (304, b"")
        assert (await client.get("/teapot/odd")).json()["title"] == "Refused"
        assert (await client.get("/teapot/found")).json()["detail"] == "No such tea."
        assert (await client.get("/wrapped")).json()["detail"] == "outer"
        assert (await client.get("/teapot/ours")).json()["code"] == "unknown-table"


async def test_routes_that_are_not_there(site: Site) -> None:
    async with site.client() as client:
        unknown = await client.get("/nowhere/" + "x" * 300)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-route")
        assert len(unknown.json()["detail"]) < 300
        wrong = await client.delete("/people")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
        assert wrong.json()["hint"] == "Use POST."
        there = await client.get("/rest/v1/a/b")
        assert (there.status_code, there.json()["message"]) == (404, "Invalid path specified in request URL")


async def test_a_response_that_does_not_fit_its_model_is_an_error_and_not_quoted(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async with site.client() as client:
        response = await client.get("/liar")
    assert response.status_code == 500
    assert CANARY not in response.text
    assert CANARY not in caplog.text
    assert "response.age: missing" in caplog.text


async def test_errors_of_the_users_own_kinds_go_to_their_handlers(site: Site) -> None:
    class Own(Exception):
        pass

    @site.app.exception_handler(Own)
    async def handle_own(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"own": True}, 409)

    @site.app.exception_handler(HTTPException)
    async def handle_http(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("mine", 400)

    @site.app.exception_handler(Exception)
    async def handle_all(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("sorry", 500)

    @site.app.get("/own")
    async def own() -> None:
        raise Own

    async with site.client() as client:
        assert (await client.get("/own")).json() == {"own": True}
        assert (await client.get("/teapot/text")).text == "mine"
        sorry = await client.get("/boom")
        assert (sorry.status_code, sorry.text) == (500, "sorry")
        assert sorry.headers["x-request-id"]


async def test_a_synchronous_handler_of_all_exceptions_serves_too(site: Site) -> None:
    @site.app.exception_handler(500)
    def handle_all(_: Request, __: Exception) -> PlainTextResponse:
        return PlainTextResponse("sorry", 500)

    async with site.client() as client:
        assert (await client.get("/boom")).text == "sorry"


async def test_errors_in_the_users_middleware_are_answered_too(site: Site) -> None:
    class Grumpy:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            raise Unavailable("Not today.")

    site.app.add_middleware(Grumpy)
    async with site.client() as client:
        response = await client.get("/people")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("error", "level", "stack"),
    [
        (UnknownTable("x"), None, False),
        (Unavailable("x"), logging.WARNING, False),
        (Interrupted("x", sqlstate="57014"), logging.WARNING, False),
        (DatabaseError("x", sqlstate="XX000"), logging.ERROR, True),
    ],
)
async def test_the_log_holds_what_an_operator_needs(
    site: Site, caplog: pytest.LogCaptureFixture, error: PellucidError, level: int | None, stack: bool
) -> None:
    @site.app.get("/raise")
    async def raise_it() -> None:
        raise error

    async with site.client() as client:
        await client.get("/raise")
    records = [(record.levelno, bool(record.exc_info)) for record in caplog.records if record.name == "pellucid.web"]
    assert records == ([(level, stack)] if level else [])
    assert site.exchanges[0].facts["error"] == error.code


# -- once bytes have left -----------------------------------------------------------------------------------------------


async def call(app: FastAPI, path: str, messages: list[Message]) -> BaseException | None:
    """Call an application as a server does, and tell what it raised."""
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "http_version": "1.1",
        "scheme": "http", "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "root_path": "",
    }  # fmt: skip
    never = asyncio.Event()

    async def receive() -> Message:
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        messages.append(message)

    try:
        await app(scope, receive, send)
    except Exception as fault:  # noqa: BLE001 - that is what is looked for
        return fault
    return None


async def test_an_answer_that_breaks_off_is_cut_and_not_mended(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError(CANARY)

    @site.app.get("/half")
    async def stream() -> StreamingResponse:
        return StreamingResponse(half())

    messages: list[Message] = []
    fault = await call(site.install(), "/half", messages)
    assert isinstance(fault, RuntimeError)
    assert was_logged(fault)
    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert messages[1]["body"] == b"first"
    assert messages[1]["more_body"] is True
    assert "broke off" in caplog.text
    assert site.exchanges[0].finished is False


async def test_an_error_after_the_last_byte_leaves_the_connection_alone(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def afterwards() -> None:
        raise RuntimeError(CANARY)

    @site.app.get("/late")
    async def late(tasks: BackgroundTasks) -> str:
        tasks.add_task(afterwards)
        return "done"

    messages: list[Message] = []
    assert await call(site.install(), "/late", messages) is None
    assert messages[0]["status"] == 200
    assert messages[-1]["more_body"] is False if "more_body" in messages[-1] else True
    assert "after the answer was complete" in caplog.text


async def test_nobody_is_answered_who_has_left(site: Site) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/people", "query_string": b"", "http_version": "1.1", "scheme": "http", "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-length", b"7"), (b"content-type", b"application/json")],
    }  # fmt: skip
    await site.install()(scope, receive, send)
    assert sent == []
    assert site.exchanges[0].status == 499


async def test_cancelling_goes_through(site: Site) -> None:
    entered = asyncio.Event()

    @site.app.get("/wait")
    async def wait() -> None:
        entered.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(call(site.install(), "/wait", []))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert site.exchanges[0].status == 499
