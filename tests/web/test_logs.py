"""The log: one event a line, no secrets, no forged lines."""

import io
import json
import logging
import logging.config
import warnings
from collections.abc import Iterator

import pytest

from pellucid.database.pool import FairPool
from pellucid.observe import Stage, listen, observe, unlisten
from pellucid.web.access import log_access
from pellucid.web.catcher import mark_logged
from pellucid.web.exchange import Exchange, current
from pellucid.web.identity import Identity
from pellucid.web.logs import JsonLines, LogFormat, LogOptions, TextLines, configure_logging
from pellucid.web.redact import escape, mask_query, redact
from tests.web.site import Site

CANARY = "canary7f3a9c"
POOL = f"{FairPool.__module__}.{FairPool.__qualname__}"
FORGERY = "ok\r\n2026-01-01 ERROR forged \x1b[2J\x1b[31mred\x07\x9b1m \x00 \u2028 \u202egnp.exe\x7f"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def _restored() -> Iterator[None]:
    """Put the loggers back as they were."""
    root = logging.getLogger()
    handlers, level, showwarning = root.handlers[:], root.level, warnings.showwarning
    yield
    logging.captureWarnings(capture=False)
    warnings.showwarning = showwarning
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).propagate = True
    for name in ("alembic", "sqlalchemy", POOL, "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def written(options: LogOptions, stream: io.StringIO | None = None) -> io.StringIO:
    stream = stream if stream is not None else io.StringIO()
    configure_logging(options, stream)
    return stream


@pytest.mark.usefixtures("_restored")
def test_json_where_nobody_watches_and_text_on_a_terminal() -> None:
    stream = written(LogOptions())
    logging.getLogger("somebody").warning("hello %s", "world", extra={"fields": {"size": 3}})
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "somebody", "message": "hello world", "size": 3}
    terminal = written(LogOptions(), Terminal())
    logging.getLogger("somebody").warning("hello")
    assert "\x1b[33mwarning" in terminal.getvalue()
    plain = written(LogOptions(format=LogFormat.TEXT))
    logging.getLogger("somebody").warning("hello", extra={"fields": {"size": 3}})
    assert plain.getvalue().endswith(" warning  hello size=3\n")
    assert "\x1b" not in plain.getvalue()


@pytest.mark.usefixtures("_restored")
def test_the_level_is_kept() -> None:
    stream = written(LogOptions(level="warning"))
    logging.getLogger("somebody").info("quiet")
    assert stream.getvalue() == ""


@pytest.mark.usefixtures("_restored")
def test_libraries_that_chatter_are_heard_only_by_those_who_want_to_hear_everything() -> None:
    stream = written(LogOptions())
    logging.getLogger("alembic.runtime").info("news to nobody")
    logging.getLogger(POOL).info("Invalidate connection <object at 0x7f>")
    logging.getLogger("alembic.runtime").warning("trouble")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["trouble"]
    stream = written(LogOptions(level="debug"))
    logging.getLogger("alembic.runtime").info("wanted")
    assert "wanted" in stream.getvalue()


@pytest.mark.usefixtures("_restored")
def test_uvicorn_speaks_through_the_same_mouth() -> None:
    import uvicorn.config  # noqa: PLC0415 - its import alone sets up nothing

    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
    stream = written(LogOptions())
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.access").info("one line too many")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["started"]


@pytest.mark.usefixtures("_restored")
def test_warnings_of_python_are_logged() -> None:
    stream = written(LogOptions())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("mind the gap", stacklevel=1)
    assert "mind the gap" in stream.getvalue()


@pytest.mark.usefixtures("_restored")
def test_a_stack_is_not_written_twice() -> None:
    stream = written(LogOptions())
    fault = RuntimeError("x")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=fault)
    assert len(stream.getvalue().splitlines()) == 1
    mark_logged(fault)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=fault)
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.TEXT])
@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_forges_lines_or_moves_the_cursor(form: LogFormat, terminal: bool) -> None:
    stream = written(LogOptions(format=form), Terminal() if terminal else io.StringIO())
    logging.getLogger("somebody").warning("%s", FORGERY, extra={"fields": {"path": FORGERY, "list": [FORGERY]}})
    text = stream.getvalue()
    assert text.count("\n") == 1
    for evil in ("\r", "\x1b[2J", "\x1b[31mred", "\x07", "\x9b", "\x00", "\u2028", "\u202e", "\x7f"):
        assert evil not in text


@pytest.mark.usefixtures("_restored")
def test_a_stack_cannot_pass_for_a_line_of_its_own() -> None:
    stream = written(LogOptions(format=LogFormat.TEXT))
    fault = RuntimeError("bad\n12:00:00.000 info forged\x1b[2J")
    logging.getLogger("somebody").error("it broke", exc_info=fault)
    first, *stack = stream.getvalue().splitlines()
    assert first.endswith("it broke")
    assert stack
    assert all(line.startswith("    | ") for line in stack)
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: basic {CANARY}",
        f"{{'authorization': 'Bearer {CANARY}'}}",
        f"('Authorization', '{CANARY}')",
        f"(b'cookie', b'a={CANARY}; b={CANARY}')",
        f"'x-access-token' : '{CANARY}",
        f"cookie={CANARY}",
        f"eyJhbGciOiJFUzI1NiJ9.eyJ{CANARY}.{CANARY}",
        f"$argon2id$v=19$m=65536,t=3,p=4${CANARY}${CANARY}",
        f"postgresql://user:{CANARY}@host/db",
        f"postgresql://:{CANARY}@host/db",
        f"password={CANARY}",
        f'"password": "{CANARY}"',
        f'"password": "with space {CANARY}"',
        f"PGPASSWORD='{CANARY}'",
        f"refresh_token={CANARY}&x=1",
        f"apikey: {CANARY}",
        f"client_secret={CANARY}",
        f"x-api-key: {CANARY}",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
        f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}",
        f"GET /people?email=eq.{CANARY}@example.com",
        f"GET /people/{CANARY}%40mail.example.com 200",
        f"Key (email)=(first.{CANARY}+tag@example.co.uk) already exists.",
    ],
)
def test_secrets_are_blotted_out(text: str) -> None:
    assert CANARY not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /people?age=gte.18 200",
        "the token has expired",
        "postgresql://host/db",
        "postgresql://user@db.example/shop",
        "page 3 of 4: done",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("", ""),
        ("age=gte.18&order=age.desc", "age=gte.18&order=age.desc"),
        ("apikey=abc&a=1", "apikey=***&a=1"),
        ("a=1&p%61ssword=eq.hunter2", "a=1&p%61ssword=***"),
        ("code=123456", "code=***"),
        ("email=eq.ada%40example.com&age=eq.3", "email=***&age=eq.3"),
        ("or=(password.eq.x,age.gt.3)", "or=***"),
        ("or=(age.lt.1,age.gt.3)", "or=(age.lt.1,age.gt.3)"),
        ("select=id,name", "select=id,name"),
        ("state=eq.open&limit=5", "state=eq.open&limit=5"),
        ("state=open", "state=open"),
        ("st%61te=Zk3_9sQw-81LmNpQrs", "st%61te=***"),
        ("state=short&code=1", "state=***&code=***"),
        ("client_id=a&state=b", "client_id=a&state=***"),
        ("flag", "flag"),
        ("data=eyJhbGciOiJub25lIn0.eyJhIjoxfQ.", "data=***"),
    ],
)
def test_queries_are_masked(query: str, masked: str) -> None:
    assert mask_query(query) == masked


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a-",
        "token",
        "token-",
        "eyJ-",
        "eyJ",
        "://a:",
        "bearer ",
        "$argon2",
        "password=",
        "-----BEGIN ",
        "%",
        "_.",
        "'",
        '"token"',
    ],
)
def test_no_text_takes_long_to_redact(piece: str) -> None:
    """With any pattern that goes back over what it has read, these would take minutes."""
    text = piece * (300_000 // len(piece))
    assert redact(text)
    assert mask_query(f"a={text}&{text}=a")


def test_letters_of_all_scripts_stay() -> None:
    assert escape("grüße 你好 🐘") == "grüße 你好 🐘"


@pytest.mark.usefixtures("_restored")
@pytest.mark.anyio
@pytest.mark.parametrize("form", [LogFormat.JSON, LogFormat.TEXT])
async def test_no_canary_survives_a_request(site: Site, form: LogFormat) -> None:
    stream = written(LogOptions(level="DEBUG", format=form))

    @site.app.post("/login/{step}")
    async def login(step: str, body: dict[str, str]) -> None:
        logging.getLogger("app").info("headers are %s", {"Authorization": f"Bearer {body['password']}"})
        raise RuntimeError(f"password={body['password']}")

    async with site.client() as client:
        await client.post(
            f"/login/1?access_token={CANARY}&next=%0d%0aforged",
            json={"password": CANARY},
            headers={
                "Authorization": f"Bearer {CANARY}",
                "Cookie": f"session={CANARY}",
                "Apikey": CANARY,
                "X-Request-Id": "request-1",
            },
        )
        await client.post("/login/1", content=f'{{"password": "{CANARY}"', headers={"Content-Type": "application/json"})
        await client.post("/login/1", json={"password": [CANARY]})
    text = stream.getvalue()
    assert "/login/1?access_token=***" in text
    assert text.count("request-1") >= 2
    assert CANARY not in text


def test_formatters_cope_with_anything() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "%s", ({"a": {1, 2}},), None)
    record.fields = {"thing": object(), "stages": {"plan": 1.0}}
    assert json.loads(JsonLines().format(record))["stages"] == {"plan": 1.0}
    assert "stages=plan:1.0" in TextLines(colour=False).format(record)


@pytest.mark.usefixtures("_restored")
def test_people_are_told_once_what_was_asked_and_what_came_of_it() -> None:
    stream = written(LogOptions(format=LogFormat.TEXT))
    log_access(an_exchange("/things/7", "", "anon", finished=True))
    line = stream.getvalue()
    assert (line.count("/things/7"), line.count("GET"), line.count("200")) == (1, 1, 1)
    assert "role=anon stages=" in line
    assert "{" not in line


# -- the access line --------------------------------------------------------------------------------------------------


def an_exchange(path: str, query: str, role: str | None, *, finished: bool, **facts: str) -> Exchange:
    identity = Identity(role) if role else None
    scope = {"method": "GET", "path": path, "query_string": query.encode(), "state": {"identity": identity}}
    recording, listening = listen()
    with observe(Stage.PLAN), observe(Stage.EXECUTE):
        pass
    unlisten(listening)
    exchange = Exchange(scope, "0123456789abcdef", recording, status=200, finished=finished, facts=dict(facts))
    exchange.settle()
    return exchange


EXCHANGES = [
    an_exchange("/things/7", "", None, finished=True),
    an_exchange("/things/7", "select=id,name&limit=3", "anon", finished=True),
    an_exchange('/thïngs/"\n\x7f\u2028', "%22=%0A", "anon", finished=False),
    an_exchange("/token", "access_token=hidden&code=hidden", "anon", finished=True),
    an_exchange("/things", "code=hidden&page=2&KEY=hidden", None, finished=True),
    an_exchange("/things", "or=(password.eq.hidden,age.gt.3)", None, finished=True),
    an_exchange("/things", "%63ode=hidden&a=%70assword=hidden", None, finished=True),
    an_exchange("/things", "", "keeper_of_tokens", finished=True),
    an_exchange("/things", "", "anon", finished=True, error="unknown-route"),
]


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: f"{each.scope['path'].isascii()}-{each.role}")
def test_the_access_line_is_the_same_whether_or_not_somebody_looks_at_it(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_790_000_000.1239)
    monkeypatch.setattr("time.time_ns", lambda: 1_790_000_000_123_900_000)  # what logging asks from Python 3.13 on
    lines = []
    being = current.set(exchange)
    for filters in ([], [logging.Filter()]):
        stream = written(LogOptions())
        monkeypatch.setattr(logging.getLogger("pellucid.access"), "filters", filters)
        log_access(exchange)
        lines.append(stream.getvalue())
    current.reset(being)
    assert lines[0] == lines[1]
    assert lines[0].endswith("}\n")
    assert "hidden" not in lines[0]
    assert json.loads(lines[0])["time"] == "2026-09-21T14:13:20.123+00:00"
