"""Traces sent on to a receiver of OpenTelemetry: a real one as far as OTLP goes, which reads what it is sent with OTLP's own messages."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from pellucid.trace.export import MOST_WAITING, Exporter, address_of
from pellucid.trace.options import TraceOptions
from pellucid.trace.otlp import request_of, summary_of
from tests.conftest import Clone
from tests.trace.place import opened
from tests.trace.test_store import numbered

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(ThreadingHTTPServer):
    """Takes exports, after answering with the statuses that it was told to answer with."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.spans: list[Span] = []
        self.services: set[str] = set()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            for resource in ExportTraceServiceRequest.FromString(content).resource_spans:
                self.server.services |= {each.value.string_value for each in resource.resource.attributes}
                for scope in resource.scope_spans:
                    self.server.spans += scope.spans
        self.send_response(status)
        self.send_header("retry-after", "0")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collecting(*statuses: int) -> Iterator[Collector]:
    collector = Collector(*statuses)
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        collector.shutdown()
        thread.join()
        collector.server_close()


def facts(span: Span) -> dict[str, object]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in span.attributes}


async def test_a_request_arrives_with_its_stages_and_its_statement(clone: Clone, tmp_path: Path) -> None:
    with collecting() as collector:
        chosen = {"otlp_endpoint": collector.endpoint, "otlp_headers": "api-key=canary%20key"}
        async with opened(clone, tmp_path, wire=True, **chosen) as place:  # type: ignore[arg-type]
            headers = {"Traceparent": PARENT, "Authorization": "Bearer canary"}
            await place.traced("GET", "/person?age=gt.80&secret_code=eq.canary", headers={"Traceparent": PARENT})
            await place.traced("GET", "/person/1", headers=headers)
        assert {path for path, _ in collector.asked} == {"/v1/traces"}
        assert collector.asked[0][1]["api-key"] == "canary key"
        assert collector.asked[0][1]["content-type"] == "application/x-protobuf"
        assert "pellucid" in collector.services
        span = next(each for each in collector.spans if each.name == "GET /{table}")
        told = facts(span)
        assert (span.kind, span.trace_id.hex(), span.parent_span_id.hex()) == (
            Span.SPAN_KIND_SERVER, PARENT.split("-")[1], PARENT.split("-")[2],
        )  # fmt: skip
        assert told["http.request.method"] == "GET"
        assert (told["http.route"], told["url.path"]) == ("/{table}", "/person")
        assert told["url.query"] == "age=gt.80&secret_code=***"
        assert (told["http.response.status_code"], told["url.scheme"]) == (200, "http")
        assert told["network.protocol.version"] == "1.1"
        children = [each for each in collector.spans if each.parent_span_id == span.span_id]
        (statement,) = [each for each in children if each.name == "SELECT public.person"]
        asked = facts(statement)
        assert statement.kind == Span.SPAN_KIND_CLIENT
        assert (asked["db.system.name"], asked["db.operation.name"]) == ("postgresql", "SELECT")
        assert asked["db.collection.name"] == "public.person"
        assert "person" in str(asked["db.query.text"])
        assert span.start_time_unix_nano <= statement.start_time_unix_nano <= statement.end_time_unix_nano
        assert span.events[0].name.startswith("pellucid.")
        refused = next(each for each in collector.spans if each.name == "GET /{table}/{key}")
        assert facts(refused)["http.response.status_code"] == 401
        assert "canary" not in str(collector.spans)


async def test_a_receiver_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    with collecting(503, 429) as collector:
        await sent(tmp_path, collector.endpoint, 1)
        assert len(collector.asked) == 3
        assert collector.spans


@pytest.mark.parametrize("statuses", [(400,), (500,)])
async def test_what_is_refused_is_lost_and_said(
    tmp_path: Path, statuses: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with collecting(*statuses) as collector:
        exporter = await sent(tmp_path, collector.endpoint, 2)
        assert (exporter.lost, len(collector.asked)) == (2, 1)
    assert "could not be sent" in caplog.text


async def test_without_a_receiver_nobody_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exporter = await sent(tmp_path, "http://127.0.0.1:9", 3)
    assert exporter.lost == 3
    assert len(caplog.records) == 1


def test_no_more_wait_than_there_is_room_for(tmp_path: Path) -> None:
    exporter = Exporter(TraceOptions(tmp_path, endpoint="http://127.0.0.1:9"), request_of)
    for number in range(MOST_WAITING + 5):
        exporter.receive(numbered(number))
    assert exporter.lost == 5


async def sent(directory: Path, endpoint: str, number: int) -> Exporter:
    exporter = Exporter(TraceOptions(directory, endpoint=endpoint), request_of)
    for each in range(number):
        exporter.receive(numbered(each))
    async with exporter:
        async with asyncio.timeout(60):
            while not exporter.idle:  # noqa: ASYNC110 - its thread has no event for this one
                await asyncio.sleep(0.01)
    return exporter


def test_an_error_of_the_server_is_one() -> None:
    spans = ExportTraceServiceRequest.FromString(request_of([numbered(1, status=500)], "x")).resource_spans[0]
    assert spans.scope_spans[0].spans[0].status.code == Status.STATUS_CODE_ERROR


def test_the_address_is_below_the_receivers_own() -> None:
    assert address_of("http://x:4318") == address_of("http://x:4318/") == address_of("http://x:4318/v1/traces")


@pytest.mark.parametrize(
    ("sql", "summary"),
    [
        ('SELECT coalesce(json_agg(r.*)) FROM (SELECT t."id" FROM "public"."person" AS t) r', ("SELECT", "public.person")),
        ('WITH w AS (INSERT INTO "public"."person" AS t ("a") SELECT b."a" FROM f($1) b) SELECT 1', ("INSERT", "public.person")),
        ("update only auth.users set x = 1", ("UPDATE", "auth.users")),
        ("delete from t where exists (select from u)", ("DELETE", "t")),
        ("select now()", ("SELECT", None)),
        ("set local role x", ("SQL", None)),
    ],
)  # fmt: skip
def test_what_a_statement_does_and_to_which_table(sql: str, summary: tuple[str, str | None]) -> None:
    assert summary_of(sql) == summary
