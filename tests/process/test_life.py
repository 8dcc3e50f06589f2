"""Start, stop, die and come back: the real command, with real signals."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.process.serving import PATIENCE, Serve, ended, rewrite

pytestmark = pytest.mark.process

APPLICATION = """
from sqlalchemy import text
from pellucid import Identity, Pellucid, ReadSession

app = Pellucid()


@app.get("/slow")
async def slow(session: ReadSession, user: Identity) -> str:
    print("slow begins", flush=True)
    await session.execute(text("select pg_sleep(1)"))
    return "slow ends"


@app.get("/version")
async def version() -> int:
    return 1
"""


def test_everything_the_first_page_promises(home: Path) -> None:
    with Serve(home) as serve, serve.ready() as http:
        made = http.post("/data", json={"name": "Sir", "age": 20})
        assert (made.status_code, made.json()["id"]) == (201, 1)
        assert http.get("/data/1").json()["name"] == "Sir"
        assert http.get("/data?id=1").json()[0]["age"] == 20
        assert len(http.get("/data?age=gte.18&order=age.desc&limit=10").json()) == 1
        assert http.patch("/data/1", json={"age": 21}).json()["age"] == 21
        assert http.put("/data/1", json={"name": "Lady", "age": 30}).json()["name"] == "Lady"
        account = {"email": "a@example.com", "password": "a long enough one"}
        signed_up = http.post("/signup", json=account)
        assert signed_up.status_code == 201
        bearer = {"Authorization": f"Bearer {http.post('/login', json=account).json()['access_token']}"}
        user = signed_up.json()["id"]
        assert http.get(f"/users/{user}", headers=bearer).json()["email"] == "a@example.com"
        assert [each["id"] for each in http.get(f"/users?id={user}", headers=bearer).json()] == [user]
        assert http.get("/docs").status_code == 200
        assert serve.stop(signal.SIGINT) == 0
    with Serve(home) as again, again.ready() as http:
        assert http.get("/data/1").json()["name"] == "Lady"
        assert http.delete("/data/1").status_code == 200
        assert http.get("/data/1").status_code == 404
        assert http.get(f"/users/{user}", headers=bearer).status_code == 200, "the signing key is kept"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_answers_what_is_under_way_and_ends_everything(home: Path, number: signal.Signals) -> None:
    (home / "app.py").write_text(APPLICATION)
    with Serve(home, "app.py", "--workers", "2") as serve, serve.ready() as http:
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(http.get("/slow")))
        asking.start()
        serve.until("slow begins")
        living = [serve.postmaster(), *serve.workers()]
        assert serve.stop(number) == 0
        asking.join(PATIENCE)
        assert [(answer.status_code, answer.json()) for answer in answers] == [(200, "slow ends")]
        assert not [process for process in living if not ended(process)]
        assert not (home / ".pellucid/postgres/postmaster.pid").exists()


def test_after_kill_9_the_next_start_recovers_by_itself(home: Path) -> None:
    with Serve(home, "--workers", "2") as serve, serve.ready() as http:
        assert http.post("/data", json={"name": "kept"}).status_code == 201
        workers = serve.workers()
        serve.process.kill()
        serve.wait()
        gone, alive = psutil.wait_procs(workers, PATIENCE)
        assert (len(gone), alive) == (2, []), "workers notice that their supervisor is gone"
    with Serve(home) as again, again.ready() as http:
        assert http.get("/data/1").json()["name"] == "kept"
        assert again.stop() == 0


def test_a_worker_that_dies_is_replaced(home: Path) -> None:
    with Serve(home) as serve, serve.ready() as http:
        assert http.post("/data", json={"name": "kept"}).status_code == 201
        [worker] = serve.workers()
        worker.kill()
        psutil.wait_procs([worker], PATIENCE)
        with httpx.Client(base_url=http.base_url, timeout=PATIENCE) as other:
            assert other.get("/data/1").json()["name"] == "kept"
        assert worker.pid not in [each.pid for each in serve.workers()]


def test_a_postgres_that_dies_comes_back_and_has_lost_nothing(home: Path) -> None:
    with Serve(home) as serve, serve.ready() as http:
        acknowledged = [http.post("/data", json={"n": n}).json()["id"] for n in range(20)]
        postmaster = serve.postmaster()
        postmaster.kill()
        psutil.wait_procs([postmaster], PATIENCE)
        rows = _first_good(http, "/data?select=id&order=id")
        assert [row["id"] for row in rows.json()] == acknowledged


def test_a_schema_change_is_seen_by_every_worker(home: Path) -> None:
    with Serve(home, "--workers", "2") as serve, serve.ready() as http:
        made = _pellucid(home, "sql", "-c", "create table made (id int primary key); grant select on made to anon")
        assert made.returncode == 0, made.stderr
        _first_good(http, "/made")
        for _ in range(10):
            with httpx.Client(base_url=http.base_url, timeout=PATIENCE) as other:
                assert other.get("/made").status_code == 200


def test_psql_opens_whether_the_server_runs_or_not(home: Path) -> None:
    with Serve(home) as serve, serve.ready() as http:
        http.post("/data", json={"name": "Sir"})
        assert _pellucid(home, "sql", "-tAc", "select name from data").stdout == "Sir\n"
        serve.stop()
    assert _pellucid(home, "sql", "-tAc", "select name from data").stdout == "Sir\n"


def test_reload_takes_the_new_code_and_survives_broken_code(home: Path) -> None:
    module = home / "app.py"
    module.write_text(APPLICATION)
    with Serve(home, "app.py", "--reload") as serve, serve.ready() as http:
        assert http.get("/version").json() == 1
        rewrite(module, APPLICATION.replace("return 1", "return 2"))
        serve.until("renewed")
        _comes_to_answer(http, "/version", 2)
        rewrite(module, "def")
        serve.until("SyntaxError")
        assert _fresh(http, "/version").json() == 2
        rewrite(module, APPLICATION.replace("return 1", "return 3"))
        serve.until("renewed")
        _comes_to_answer(http, "/version", 3)


def _fresh(http: httpx.Client, path: str) -> httpx.Response:
    """Ask on a connection of its own."""
    with httpx.Client(base_url=http.base_url, timeout=PATIENCE) as other:
        return other.get(path)


def _comes_to_answer(http: httpx.Client, path: str, answer: int) -> None:
    """Ask until that is the answer: who leaves may still have taken a connection or two."""
    deadline = time.monotonic() + PATIENCE
    while (found := _fresh(http, path).json()) != answer:
        assert time.monotonic() < deadline, found


def _first_good(http: httpx.Client, path: str) -> httpx.Response:
    """Ask until the answer is good; errors meanwhile must be honest ones."""
    deadline = time.monotonic() + PATIENCE
    while (answer := _fresh(http, path)).status_code != 200:
        assert answer.status_code in (404, 503), answer.text
        assert time.monotonic() < deadline, f"never a good answer: {answer.text}"
    return answer


def _pellucid(home: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pellucid", *args],
        cwd=home, env=dict(os.environ), text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False,
    )  # fmt: skip
