"""The order of starting and stopping, seen from where it hurts: interrupted starts, impatient stops, renewals under requests."""

import os
import signal
import stat
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.postgres.world import free_port
from tests.process.serving import PATIENCE, Serve, ended, rewrite

pytestmark = pytest.mark.process

SLOW = """
import asyncio
from sqlalchemy import text
from pellucid import Pellucid, ReadSession

app = Pellucid()

@app.get("/slow")
async def slow(session: ReadSession) -> int:
    print("slow begins", flush=True)
    await asyncio.sleep({seconds})
    return await session.scalar(text("select 7"))
"""


class Asking:
    """A request in the background: its answer, or what became of it."""

    def __init__(self, http: httpx.Client, path: str) -> None:
        self.answer: httpx.Response | None = None
        self.fault: httpx.HTTPError | None = None
        self._thread = threading.Thread(target=self._ask, args=(http, path))
        self._thread.start()

    def _ask(self, http: httpx.Client, path: str) -> None:
        try:
            self.answer = http.get(path)
        except httpx.HTTPError as fault:
            self.fault = fault

    def wait(self) -> "Asking":
        self._thread.join(PATIENCE)
        return self


def test_ctrl_c_reaches_everybody_in_the_terminal_and_only_the_supervisor_acts(home: Path) -> None:
    (home / "app.py").write_text(SLOW.format(seconds=0.5))
    with Serve(home, "app.py", "--workers", "2") as serve, serve.ready() as http:
        asking = Asking(http, "/slow")
        serve.until("slow begins")
        os.killpg(serve.process.pid, signal.SIGINT)
        serve.until("Stopping")
        answer = asking.wait().answer
        assert answer is not None, asking.fault
        assert answer.json() == 7
        serve.until("Stopped")
        assert serve.wait() == 0


def test_a_second_ctrl_c_waits_for_no_request(home: Path) -> None:
    (home / "app.py").write_text(SLOW.format(seconds=1000))
    with Serve(home, "app.py") as serve, serve.ready() as http:
        postmaster = serve.postmaster()
        asking = Asking(http, "/slow")
        serve.until("slow begins")
        serve.process.send_signal(signal.SIGINT)
        serve.until("Stopping")
        assert serve.stop(signal.SIGINT) == 0
        assert asking.wait().fault is not None
        assert ended(postmaster), "PostgreSQL is stopped in order all the same"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("step", ["Starting PostgreSQL", "Preparing the database"])
def test_a_start_that_is_interrupted_leaves_nothing_behind(home: Path, step: str, number: signal.Signals) -> None:
    with Serve(home) as serve:
        serve.until(step)
        assert serve.interrupt(number) in (130, None)
        assert "Traceback" not in serve.rest()
    assert not (home / ".pellucid/postgres/postmaster.pid").exists()
    with Serve(home) as again, again.ready() as http:
        assert http.get("/health/ready").status_code == 200


def test_after_kill_9_the_same_port_can_be_taken_at_once(home: Path) -> None:
    with Serve(home) as serve, serve.ready() as http:
        port, postmaster = http.base_url.port, serve.postmaster()
        serve.process.kill()
        with Serve(home, "--port", str(port)) as again, again.ready() as other:
            assert other.get("/health/ready").status_code == 200
            assert ended(postmaster)


def test_everything_it_keeps_is_its_owners_alone(home: Path) -> None:
    with Serve(home) as serve, serve.ready():
        instance = home / ".pellucid"
        assert stat.S_IMODE(instance.stat().st_mode) & 0o707 == 0o700
        kept = [*(instance / "secrets").iterdir(), *(instance / "metrics").iterdir()]
        assert kept
        assert stat.S_IMODE((instance / "metrics").stat().st_mode) == 0o700
        assert stat.S_IMODE((instance / "secrets").stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in (instance / "secrets").iterdir()} == {0o600}
        serve.stop()
        assert not (instance / "metrics").exists()


def test_two_workers_count_together(home: Path) -> None:
    with Serve(home, "--workers", "2") as serve, serve.ready() as http:
        assert len(serve.workers()) == 2
        for number in range(20):
            with httpx.Client(base_url=http.base_url, timeout=PATIENCE) as other:
                assert other.post("/data", json={"number": number}).status_code == 201
        deadline = time.monotonic() + PATIENCE  # a worker counts when it has answered, which may be a moment later
        while (count := posted(http)) != 20:
            assert count < 20
            assert time.monotonic() < deadline


def posted(http: httpx.Client) -> float:
    """How many POST requests the workers have counted."""
    metrics = http.get("/metrics")
    assert metrics.status_code == 200, metrics.text
    lines = [line for line in metrics.text.splitlines() if line.startswith("pellucid_requests_total")]
    return sum(float(line.split()[-1]) for line in lines if 'method="POST"' in line)


def test_hanging_up_renews_every_worker_and_fails_no_request(home: Path) -> None:
    with Serve(home, "--workers", "2") as serve, serve.ready() as http:
        before = serve.workers()
        serve.process.send_signal(signal.SIGHUP)
        while not all(ended(process) for process in before):
            with httpx.Client(base_url=http.base_url, timeout=PATIENCE) as other:
                assert other.get("/health/live").status_code == 200
        serve.until("renewed")
        assert len(serve.workers()) == 2


def test_a_client_that_comes_during_the_start_waits_and_is_answered(home: Path) -> None:
    port = free_port()
    with Serve(home, "--port", str(port)) as serve:
        serve.until("Starting PostgreSQL")
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=PATIENCE).status_code == 200


def test_the_supervisor_forks_without_threads(home: Path) -> None:
    with Serve(home) as serve, serve.ready():
        assert psutil.Process(serve.process.pid).num_threads() == 1


def test_code_that_is_broken_from_the_start_is_waited_for(home: Path) -> None:
    (home / "app.py").write_text("import no_such_thing\n")
    with Serve(home, "app.py", "--reload") as serve:
        serve.until("no_such_thing")
        serve.until("Nothing answers until")
        rewrite(home / "app.py", "from pellucid import Pellucid\napp = Pellucid()\n")
        with serve.ready() as http:
            assert http.get("/health/ready").status_code == 200


def test_a_broken_module_shows_its_authors_lines_and_none_of_ours(home: Path) -> None:
    (home / "app.py").write_text("\nimport no_such_thing\n")
    with Serve(home, "app.py") as serve:
        assert serve.wait() == 1
        said = serve.rest()
    assert 'app.py", line 2' in said
    assert "site-packages" not in said
    assert "importlib" not in said


def test_secrets_show_neither_in_the_log_nor_in_the_banner(home: Path) -> None:
    secret = "canary-0123456789-canary-0123456789"
    with (
        Serve(home, env={"PELLUCID_JWT_SECRET": secret, "PELLUCID_LOG_LEVEL": "debug"}) as serve,
        serve.ready() as http,
    ):
        http.get("/data")
        serve.stop()
        assert secret not in serve.rest()
