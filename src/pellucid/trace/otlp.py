"""Traces in OpenTelemetry's words: OTLP's messages, with the semantic conventions for HTTP and databases. Pure."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from pellucid.observe import Fact, Stage
from pellucid.trace.document import Row, Trace
from pellucid.version import VERSION

_SAMPLED = 0x01
_NANO = 1_000_000_000
_OPERATION = re.compile(r"\b(select|insert|update|delete|merge|call)\b", re.IGNORECASE)
_WRITTEN = re.compile(r"\b(insert)\s+into\b|\b(update|delete|merge)\b", re.IGNORECASE)
_NAME = r"((?:\"[^\"]+\"|[a-z_]\w*)(?:\.(?:\"[^\"]+\"|[a-z_]\w*))?)"
_COLLECTION = re.compile(rf"\b(?:into|update|from|join)\s+(?:only\s+)?{_NAME}(?!\s*\()", re.IGNORECASE)
_OURS = {"sql": "db.query.text", "rows": "db.response.returned_rows", "backend": "pellucid.backend"}
"""Facts that have a name in the conventions; all others have ours."""


def request_of(traces: Iterable[Trace], service: str) -> bytes:
    """Traces as the body of one export.

    Args:
        traces: masked and judged.
        service: the name of the service (``service.name``).
    """
    resource = Resource(attributes=_attributes({"service.name": service, "service.version": VERSION}))
    scope = InstrumentationScope(name="pellucid", version=VERSION)
    spans = [span for trace in traces for span in _spans(trace)]
    exported = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=spans)])]
    )
    return bytes(exported.SerializeToString())


def _spans(trace: Trace) -> Iterator[Span]:
    """One span for the request, and one inside of it for each row."""
    yield Span(
        trace_id=bytes.fromhex(trace.id),
        span_id=bytes.fromhex(trace.span),
        parent_span_id=bytes.fromhex(trace.parent or ""),
        flags=_SAMPLED,
        name=f"{trace.method} {trace.route}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=_nanoseconds(trace.started),
        end_time_unix_nano=_nanoseconds(trace.started + trace.seconds),
        attributes=_attributes(_of_request(trace)),
        events=_events(trace),
        status=Status(code=Status.STATUS_CODE_ERROR if trace.status >= 500 else Status.STATUS_CODE_UNSET),
    )
    for row in trace.rows:
        yield _span(trace, row)


def _span(trace: Trace, row: Row) -> Span:
    asks = row.stage in (Stage.EXECUTE, Stage.COMMIT, Stage.SESSION)
    return Span(
        trace_id=bytes.fromhex(trace.id),
        span_id=os.urandom(8),
        parent_span_id=bytes.fromhex(trace.span),
        flags=_SAMPLED,
        name=_name(row),
        kind=Span.SPAN_KIND_CLIENT if asks else Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=_nanoseconds(trace.started + row.start),
        end_time_unix_nano=_nanoseconds(trace.started + row.start + row.seconds),
        attributes=_attributes(_of_row(row)),
    )


def _name(row: Row) -> str:
    if row.stage is not Stage.EXECUTE or "sql" not in row.facts:
        part = row.facts.get("part") or row.facts.get("work")
        return f"{row.stage} {part}" if part else str(row.stage)
    operation, collection = summary_of(str(row.facts["sql"]))
    return f"{operation} {collection}" if collection else operation


def _events(trace: Trace) -> Sequence[Span.Event]:
    """The verdict."""
    return [
        Span.Event(
            time_unix_nano=_nanoseconds(trace.started + trace.seconds),
            name=f"pellucid.{finding.code}",
            attributes=_attributes(
                {"what": finding.what, "because": finding.because, "do": finding.do, "share": finding.share}
            ),
        )
        for finding in trace.findings
    ]


def _of_request(trace: Trace) -> Mapping[str, Fact]:
    path, _, query = trace.target.partition("?")
    facts: dict[str, Fact] = {
        "http.request.method": trace.method,
        "http.route": trace.route,
        "http.response.status_code": trace.status,
        "url.path": path,
        "pellucid.request_id": trace.request_id,
        "pellucid.reason": trace.reason.value,
        "pellucid.unaccounted": trace.unaccounted,
        "process.pid": trace.worker,
    }
    if query:
        facts["url.query"] = query
    if trace.role is not None:
        facts["pellucid.role"] = trace.role
    for row in trace.rows:
        for fact, name in _HTTP.items():
            if fact in row.facts:
                facts[name] = row.facts[fact]
    facts["network.protocol.version"] = str(facts.get("network.protocol.version", "HTTP/1.1")).removeprefix("HTTP/")
    return facts


_HTTP = {
    "protocol": "network.protocol.version",
    "scheme": "url.scheme",
    "body_bytes": "http.response.body.size",
}


def _of_row(row: Row) -> Mapping[str, Fact]:
    facts = {_OURS.get(name, f"pellucid.{name}"): fact for name, fact in row.facts.items()}
    if row.stage in (Stage.EXECUTE, Stage.COMMIT, Stage.SESSION):
        facts["db.system.name"] = "postgresql"
    if "sql" in row.facts:
        operation, collection = summary_of(str(row.facts["sql"]))
        facts["db.operation.name"] = operation
        if collection:
            facts["db.collection.name"] = collection
    return facts


def summary_of(sql: str) -> tuple[str, str | None]:
    """What a statement does, and to which table, as far as its text tells: what it writes goes before what it reads."""
    written = _WRITTEN.search(sql)
    operation = written or _OPERATION.search(sql)
    table = _COLLECTION.search(sql, written.start() if written else 0)
    name = next((group for group in operation.groups() if group), "SQL") if operation else "SQL"
    return name.upper(), table[1].replace('"', "") if table else None


def _attributes(facts: Mapping[str, Fact]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(fact)) for name, fact in facts.items()]


def _value(fact: Fact) -> AnyValue:
    match fact:
        case bool():
            return AnyValue(bool_value=fact)
        case int():
            return AnyValue(int_value=fact)
        case float():
            return AnyValue(double_value=fact)
        case _:
            return AnyValue(string_value=fact)


def _nanoseconds(moment: float) -> int:
    return max(0, int(moment * _NANO))
