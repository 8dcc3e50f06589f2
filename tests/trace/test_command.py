"""``pellucid trace``: what is written becomes a request, both halves become one picture, and no secret is ever shown."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pellucid.cli.asking import Written, host_and_port, request, resolved, shown, whole
from pellucid.cli.main import app
from pellucid.errors import StartupError
from tests.trace.client.authority import Authority
from tests.trace.client.servers import raw, saying
from tests.trace.sample import SERVER

CANARY = "canary-4711"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["trace", *arguments])


# -- what is written --------------------------------------------------------------------------------------------------


def sent(*words: str, **more: Any) -> tuple[str, str, dict[str, str], bytes | None]:
    asked = request(Written(words, **more))
    return asked.method, asked.url, dict(asked.headers), asked.body


def test_an_address_alone_is_got() -> None:
    method, url, headers, body = sent("http://a.test/x")
    assert (method, url, body) == ("GET", "http://a.test/x", None)
    assert headers["accept"] == "*/*"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/data/1", "http://127.0.0.1:8000/data/1"),
        ("localhost:9000/x", "http://localhost:9000/x"),
        ("https://a.test", "https://a.test"),
    ],
)
def test_an_address_may_be_short(written: str, meant: str) -> None:
    assert whole(written) == meant


def test_json_is_posted_as_such() -> None:
    method, _, headers, body = sent("/data", json='{"a":1}')
    assert (method, headers["content-type"], headers["accept"], body) == (
        "POST",
        "application/json",
        "application/json",
        b'{"a":1}',
    )


def test_data_is_a_form_and_its_parts_are_joined(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"c=3")
    method, _, headers, body = sent("put", "/data", data=["a=1", f"@{tmp_path / 'part'}"])
    assert (method, headers["content-type"], body) == ("PUT", "application/x-www-form-urlencoded", b"a=1&c=3")


def test_headers_replace_and_take_out_those_that_are_sent_otherwise() -> None:
    headers = sent("/data", headers=["Accept: text/csv", "User-Agent:", "X-Empty;"])[2]
    assert headers["accept"] == "text/csv"
    assert "user-agent" not in headers
    assert headers["x-empty"] == ""


@pytest.mark.parametrize(("url", "user"), [("http://a.test/", "ada:secret"), ("http://ada:secret@a.test/", None)])
def test_credentials_become_a_header(url: str, user: str | None) -> None:
    _, asked, headers, _ = sent(url, user=user)
    assert headers["authorization"] == "Basic YWRhOnNlY3JldA=="
    assert asked == "http://a.test/"


WRONG: list[tuple[list[str], dict[str, Any], str]] = [
    (["GET", "/a", "/b"], {}, "not a method and an address"),
    (["GET", "/a"], {"method": "POST"}, "the method is given twice"),
    (["/a"], {"headers": ["nonsense"]}, "a header given with -H is none"),
    (["/a"], {"headers": [f"x: {CANARY}\x1b"]}, "a header given with -H is none"),
    (["/a"], {"json": "{}", "data": ["a"]}, "--json and -d are two bodies"),
    (["/a"], {"data": ["@/nowhere/at/all"]}, "/nowhere/at/all cannot be read"),
]


@pytest.mark.parametrize(("words", "more", "message"), WRONG)
def test_what_is_written_wrongly_is_told(words: list[str], more: dict[str, Any], message: str) -> None:
    with pytest.raises(StartupError, match=message) as refused:
        sent(*words, **more)
    assert CANARY not in refused.value.message


def test_hosts_and_ports() -> None:
    assert host_and_port("10.0.0.1", 53) == ("10.0.0.1", 53)
    assert host_and_port("[::1]:5353", 53) == ("::1", 5353)
    assert host_and_port("::1", 53) == ("::1", 53)
    assert resolved(["A.test:443:[::1],10.0.0.1"]) == {("a.test", 443): ("::1", "10.0.0.1")}
    for wrong in ("x:", "x:0", "x:70000"):
        with pytest.raises(StartupError):
            host_and_port(wrong, 53)
    with pytest.raises(StartupError):
        resolved(["a.test:443"])


def test_an_address_is_shown_without_its_secrets() -> None:
    assert CANARY not in shown(f"http://a.test/x?apikey={CANARY}&access_token={CANARY}&a=1")
    assert "a=1" in shown("http://a.test/x?apikey=b&a=1")


# -- what comes of it -------------------------------------------------------------------------------------------------


def test_both_halves_become_one(plain: int) -> None:
    done = run(f"http://127.0.0.1:{plain}/traced", "-H", "apikey: right")
    assert done.exit_code == 0, done.stderr
    for said in (
        "client",
        "Pellucid",
        "PostgreSQL",
        "Seq Scan on orders",
        "0/1A2B3C8",
        "create index on orders",
    ):
        assert said in done.stdout


def test_the_server_is_asked_as_deeply_as_was_wanted(plain: int, tmp_path: Path) -> None:
    for options, wanted in (((), "full"), (("--light",), "light"), (("--client-only",), None)):
        run(f"http://127.0.0.1:{plain}/traced", "-o", str(tmp_path / "body"), *options)
        assert json.loads((tmp_path / "body").read_text()).get("pellucid-trace") == wanted


@pytest.mark.parametrize(
    ("path", "options", "absent"),
    [
        ("/echo", (), "this server did not trace the request"),
        ("/traced", ("-H", "apikey: wrong"), f"/traces/{SERVER.id} answers 404"),
        ("/traced?name=broken", (), "what the server gave is no trace"),
        ("/traced?name=../../etc", (), "the name that the server gave its trace is none"),
    ],
)
def test_a_half_that_is_not_there_is_told_in_a_line(
    path: str, options: tuple[str, ...], absent: str, plain: int
) -> None:
    done = run(f"http://127.0.0.1:{plain}{path}", *options)
    assert done.exit_code == 0
    assert absent in next(line for line in done.stdout.splitlines() if line.startswith("The server's half is not here"))


def test_json_holds_everything(plain: int) -> None:
    done = run(f"http://127.0.0.1:{plain}/traced", "-H", "apikey: right", "--json-output", "--repeat", "3")
    told = json.loads(done.stdout)
    assert [each["hops"][0]["status"] for each in told["runs"]] == [200, 200, 200]
    assert told["runs"][0]["hops"][0]["server"]["id"] == SERVER.id
    assert {each["stage"]: each["times"] for each in told["spreads"]}["wait"] == 3
    assert told["runs"][0]["hops"][0]["server"]["statements"][0]["plan"]["Plan"]["Node Type"] == "Limit"


def test_an_address_is_no_markup(monkeypatch: pytest.MonkeyPatch, plain: int) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    done = run(f"http://127.0.0.1:{plain}/echo[/b]", "--client-only")
    assert done.exit_code == 0, done.exception


async def test_json_commands_no_terminal() -> None:
    async with raw(saying(b"HTTP/1.1 200 OK\r\ncontent-type: a\x9b2J\r\ncontent-length: 0\r\n\r\n")) as port:
        done = await asyncio.to_thread(run, f"http://127.0.0.1:{port}/", "--client-only", "--json-output")
    assert "\x9b" not in done.output
    assert "\x9b" in json.dumps(json.loads(done.output), ensure_ascii=False)


def test_several_runs_have_a_table(plain: int) -> None:
    kept = run(f"http://127.0.0.1:{plain}/echo", "--repeat", "4", "--client-only").stdout
    assert kept.startswith("4 runs")
    assert next(line.split()[1] for line in kept.splitlines() if line.strip().startswith("connect ")) == "1"
    anew = run(f"http://127.0.0.1:{plain}/echo", "--repeat", "4", "--client-only", "--new-connections").stdout
    assert next(line.split()[1] for line in anew.splitlines() if line.strip().startswith("connect ")) == "4"


def test_redirects_are_hops_of_one_journey(plain: int) -> None:
    done = run("-L", f"http://127.0.0.1:{plain}/moved?to=/traced", "-H", "apikey: right")
    assert "302 Found" in done.stdout
    assert "200 OK" in done.stdout
    assert "Pellucid" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["http://127.0.0.1:1/"], "127.0.0.1 cannot be reached on port 1: 127.0.0.1 refused"),
        (["ftp://a.test/"], "ftp is not asked for here"),
        (["/x", "--http2", "--http3"], "one request speaks one version of HTTP"),
        (["http://a.test/", "--dns-server", "127.0.0.1:1"], "no name server could say where a.test is"),
        (["https://a.test/", "--cacert", "/nowhere/at/all"], "/nowhere/at/all holds no certificates to trust"),
    ],
)
def test_a_failure_is_one_line(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, StartupError)
    assert message in done.exception.message
    assert "\n" not in done.exception.message


def test_what_was_measured_before_a_failure_is_shown(secure: int) -> None:
    done = run(f"https://localhost:{secure}/")
    assert isinstance(done.exception, StartupError)
    for said in (
        "dns",
        "connect",
        "tls",
        "localhost ← Test Intermediate ← Test Root",
        "There is no answer: nobody trusted has signed",
    ):
        assert said in done.stdout


def test_no_secret_is_shown_anywhere(secure: int, authority: Authority, tmp_path: Path) -> None:
    address = f"https://u:{CANARY}@localhost:{secure}/traced?access_token={CANARY}"
    secrets = [
        "-H",
        f"Authorization: Bearer {CANARY}",
        "-H",
        f"Cookie: a={CANARY}",
        "-H",
        f"X-Api-Key: {CANARY}",
        "-u",
        f"ada:{CANARY}",
    ]
    common = [
        address,
        "--cacert",
        str(authority.root),
        *secrets,
        "-H",
        "apikey: right",
        "-d",
        f"password={CANARY}",
        "-i",
        "-L",
    ]
    drawn = run(*common, "--svg", str(tmp_path / "picture.svg"))
    data = run(*common, "--json-output", "--http1.1")
    failed = run(*common[:1], *secrets, "-m", "5")
    for each in (
        drawn.output,
        data.output,
        failed.output,
        str(failed.exception),
        (tmp_path / "picture.svg").read_text(),
    ):
        assert CANARY not in each
    assert drawn.exit_code == 0
    assert "set-cookie: ***" in drawn.stdout
    assert "canary-of-the-server" not in drawn.output


def test_the_body_goes_where_it_is_wanted(plain: int, tmp_path: Path) -> None:
    run("POST", f"http://127.0.0.1:{plain}/echo", "-d", "a=1", "-o", str(tmp_path / "body"))
    assert json.loads((tmp_path / "body").read_text())["body"] == "a=1"
    done = run(f"http://127.0.0.1:{plain}/echo", "-o", str(tmp_path / "no" / "body"))
    assert isinstance(done.exception, StartupError)


def test_the_verdict_joins_what_both_sides_found(plain: int) -> None:
    told = json.loads(run(f"http://127.0.0.1:{plain}/traced", "-H", "apikey: right", "--json-output").stdout)
    codes = [finding["code"] for finding in told["runs"][0]["findings"]]
    assert set(codes) >= {finding.code for finding in SERVER.findings}


def test_serving_imports_nothing_of_it() -> None:
    ours = "'.trace.client' in name"
    foreign = "name.split('.')[0] in {'aioquic', 'h2'}"
    code = f"import sys, pellucid.cli.serve, pellucid.app; print([name for name in sys.modules if {foreign} or {ours}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
