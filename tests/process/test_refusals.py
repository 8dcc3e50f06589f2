"""What cannot start says so in one line, and leaves with a status that is not zero."""

import socket
from pathlib import Path

import pytest

from tests.postgres.world import free_port
from tests.process.serving import Serve, fresh_home, remove

pytestmark = pytest.mark.process


def refusal(home: Path, *args: str, **env: str) -> str:
    """What a start that fails says; no stack trace, and a way out."""
    with Serve(home, *args, env=env) as serve:
        assert serve.wait() != 0
        said = serve.rest()
    assert "Traceback" not in said
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, said
    return said


def test_a_second_server_on_one_directory_leaves(home: Path) -> None:
    with Serve(home) as first, first.ready() as http:
        said = refusal(home)
        assert str(first.process.pid) in said
        assert http.get("/health/ready").status_code == 200, "the first goes on"


def test_a_port_in_use(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refusal(home, "--port", str(port))
    assert not (home / ".pellucid").exists(), "nothing was begun"


def test_a_data_directory_that_cannot_be(home: Path) -> None:
    (home / "file").write_text("")
    assert "file" in refusal(home, "--data", "file")
    assert "missing" in refusal(home, "--data", "missing/deeper")


def test_a_directory_that_nobody_may_write(home: Path) -> None:
    assert "/proc/pellucid cannot be used" in refusal(home, "--data", "/proc/pellucid")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("postgresql://nobody:hidden@127.0.0.1:1/none", "127.0.0.1"),
        ("postgresql://nobody:hidden@no-such-host.invalid/none", "no-such-host.invalid"),
        ("mysql://nobody:hidden@127.0.0.1/none", "postgresql"),
    ],
)
def test_a_wrong_url(home: Path, url: str, word: str) -> None:
    said = refusal(home, "--db", url)
    assert word in said
    assert "hidden" not in said


def test_a_wrong_password(home: Path) -> None:
    port = free_port()
    other = fresh_home()
    try:
        with Serve(home, "--postgres-port", str(port)) as serve, serve.ready():
            said = refusal(other, "--db", f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres")
        assert "wrong@" not in said
        assert "password" in said
    finally:
        remove(other)


def test_development_stays_at_home(home: Path) -> None:
    assert "--production" in refusal(home, "--host", "0.0.0.0")


def test_production_wants_a_key(home: Path) -> None:
    assert "pellucid key" in refusal(home, "--production")


def test_settings_that_cannot_be(home: Path) -> None:
    assert "workers" in refusal(home, PELLUCID_WORKERS="many")
    (home / "pellucid.toml").write_text("prot = 8000\n")
    assert "port" in refusal(home)


def test_modules_that_cannot_be(home: Path) -> None:
    assert "absent.py" in refusal(home, "absent.py")
    (home / "empty.py").write_text("x = 1\n")
    assert "Pellucid" in refusal(home, "empty.py")


def test_what_may_still_come_is_cautioned_of(home: Path) -> None:
    """A role or a function that settings name may be made while the server runs: it starts, and says what is not there."""
    named = {"PELLUCID_ANON_ROLE": "nobody_here", "PELLUCID_PRE_REQUEST": "nosuch.fn"}
    with Serve(home, env=named) as serve:
        serve.until('Caution: anon_role names "nobody_here"')
        serve.until("Caution: pre_request names nosuch.fn()")
