"""The supervisor and its workers as real processes: they are killed, renewed and stopped."""

import os
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from urllib.error import URLError

import pytest

from tests.process.serving import rewrite

pytestmark = pytest.mark.process

PATIENCE = 60
ROOT = Path(__file__).parents[2]
PID = "import os\ndef answer(path): return str(os.getpid())\n"


class Running:
    """A supervisor, its lines, and its clients."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._lines: Queue[str] = Queue()
        self._reading = Thread(target=self._read)
        self._reading.start()
        self.port = int(self.line())

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.strip())

    def line(self) -> str:
        """The next line it says."""
        return self._lines.get(timeout=PATIENCE)

    @property
    def silent(self) -> bool:
        """Whether it has said nothing since."""
        return self._lines.empty()

    def end(self) -> None:
        """Leave nothing of it behind."""
        self.process.kill()
        self.process.wait()
        self._reading.join()

    def get(self, path: str = "/") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as response:
            return str(response.read().decode())

    def comes_to_answer(self, answer: str) -> bool:
        """Ask until that is the answer: who leaves may still have taken a connection or two."""
        deadline = time.monotonic() + PATIENCE
        while self.get() != answer:
            if time.monotonic() > deadline:
                return False
        return True

    def workers(self) -> set[int]:
        """Its children that are alive."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(child) for child in children if alive(int(child))}

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        return self.process.wait(PATIENCE)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``app.py`` with this text; ends what is left of it afterwards."""
    started: list[Running] = []

    def start(code: str = PID, *, workers: int = 1, watch: bool = False) -> Running:
        (tmp_path / "app.py").write_text(code)
        watched = [str(tmp_path)] if watch else []
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.program", "0", str(workers), *watched],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(running := Running(process))
        return running

    yield start
    for running in started:
        running.end()


@contextmanager
def in_background(work: Callable[[], str]) -> Iterator[Callable[[], str]]:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield lambda: future.result(PATIENCE)


def failure(request: Callable[[], str]) -> str:
    with pytest.raises((URLError, ConnectionError)) as caught:
        request()
    return repr(caught.value)


def alive(pid: int) -> bool:
    """Whether it runs: neither ended nor waiting for its parent to take notice. It may end while one looks."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int) -> bool:
    """Wait for the end of a process that is not our child; it may have ended already."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        return bool(waiting.poll(PATIENCE * 1000))
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_serves_and_stops(start: Start, number: signal.Signals) -> None:
    running = start(workers=2)
    assert running.line() == "ready"
    assert int(running.get()) in running.workers()
    assert len(running.workers()) == 2
    running.send(number)
    assert running.line() == "stopping"
    assert running.line() == f"stopped {running.process.pid}"
    assert running.ends() == 0
    with pytest.raises(URLError):
        running.get()


def test_clients_that_come_before_the_workers_wait(start: Start) -> None:
    running = start()
    assert int(running.get()) in running.workers()


def test_a_request_under_way_is_answered_before_the_end(start: Start) -> None:
    running = start()
    assert running.line() == "ready"
    with in_background(lambda: running.get("/slow")) as answer:
        assert running.line() == "slow"
        running.send(signal.SIGTERM)
        assert running.line() == "stopping"
        assert answer().isdecimal()
    assert running.line().startswith("stopped")


def test_a_second_signal_waits_for_nobody(start: Start) -> None:
    running = start(PID.replace("return", "__import__('time').sleep(1000); return"))
    assert running.line() == "ready"
    with in_background(lambda: failure(lambda: running.get("/slow"))) as answer:
        assert running.line() == "slow"
        running.send(signal.SIGINT)
        assert running.line() == "stopping"
        running.send(signal.SIGINT)
        assert running.line().startswith("stopped")
        assert answer()


def test_a_killed_worker_is_replaced(start: Start) -> None:
    running = start()
    assert running.line() == "ready"
    first = int(running.get())
    os.kill(first, signal.SIGKILL)
    assert int(running.get()) != first


def test_a_request_that_ends_its_worker_takes_no_other_one_along(start: Start) -> None:
    running = start("import os\ndef answer(path): return str(os.getpid()) if path == '/' else os._exit(3)\n", workers=2)
    assert running.line() == "ready"
    with pytest.raises(OSError, match="Remote end closed"):
        running.get("/die")
    assert running.get().isdecimal()


def test_workers_end_when_their_supervisor_is_killed(start: Start) -> None:
    running = start(workers=2)
    assert running.line() == "ready"
    workers = running.workers()
    running.send(signal.SIGKILL)
    running.ends()
    assert all(gone(pid) for pid in workers)
    with pytest.raises(URLError):
        running.get()


def test_a_worker_whose_event_loop_is_blocked_ends_too(start: Start) -> None:
    running = start(PID.replace("return", "print('blocked', flush=True); __import__('time').sleep(1000); return"))
    assert running.line() == "ready"
    (worker,) = running.workers()
    with in_background(lambda: failure(running.get)) as answer:
        assert running.line() == "blocked"
        running.send(signal.SIGKILL)
        running.ends()
        assert gone(worker)
        assert answer()


def test_the_supervisor_has_one_thread(start: Start) -> None:
    running = start()
    assert running.line() == "ready"
    assert "Threads:\t1\n" in Path(f"/proc/{running.process.pid}/status").read_text()


def test_an_application_that_does_not_start_is_told_once(start: Start) -> None:
    running = start("import nothing_of_that_name\n", workers=2)
    assert running.line().startswith("gave up app.py cannot be imported: ModuleNotFoundError")
    assert running.ends() == 1


def test_hanging_up_renews_the_workers_without_a_gap(start: Start) -> None:
    running = start(workers=2)
    assert running.line() == "ready"
    before = running.workers()
    running.send(signal.SIGHUP)
    assert running.line() == "renewing SIGHUP"
    while running.silent:
        assert running.get().isdecimal()
    assert running.line() == "renewed"
    assert all(gone(pid) for pid in before)
    assert not before & running.workers()


class TestWatching:
    def test_a_changed_file_renews_the_workers(self, start: Start, tmp_path: Path) -> None:
        running = start("def answer(path): return 'one'\n", watch=True)
        assert running.line() == "ready"
        assert running.get() == "one"
        rewrite(tmp_path / "app.py", "def answer(path): return 'two'\n")
        assert running.line() == "renewing app.py"
        assert running.line() == "renewed"
        assert running.comes_to_answer("two")

    def test_while_it_is_broken_the_version_before_answers(self, start: Start, tmp_path: Path) -> None:
        running = start("def answer(path): return 'one'\n", watch=True)
        assert running.line() == "ready"
        rewrite(tmp_path / "app.py", "def answer(path) return\n")
        assert running.line() == "renewing app.py"
        assert running.line().startswith("broken True app.py cannot be imported: SyntaxError")
        assert running.get() == "one"
        rewrite(tmp_path / "app.py", "def answer(path): return 'two'\n")
        assert running.line() == "renewing app.py"
        assert running.line() == "renewed"
        assert running.comes_to_answer("two")

    def test_one_that_was_broken_from_the_start_is_waited_for(self, start: Start, tmp_path: Path) -> None:
        running = start("1 / 0\n", watch=True)
        assert running.line().startswith("broken False app.py cannot be imported: ZeroDivisionError")
        rewrite(tmp_path / "app.py", "def answer(path): return 'mended'\n")
        assert running.line() == "renewing app.py"
        assert running.line() == "ready"
        assert running.get() == "mended"
        running.send(signal.SIGINT)
        assert running.line() == "stopping"
        assert running.line().startswith("stopped")

    def test_the_watching_process_ends_with_a_killed_supervisor(self, start: Start) -> None:
        running = start(watch=True)
        assert running.line() == "ready"
        children = running.workers()
        assert len(children) == 2
        running.send(signal.SIGKILL)
        running.ends()
        assert all(gone(pid) for pid in children)
