"""The guide's nginx.conf is a real one: nginx runs with it in front of a real server."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.docs.reader import Reader
from tests.postgres.world import free_port

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "nginx.md"
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") is None,
        reason="nginx is not installed (Debian: apt install nginx-light)",
    ),
]
ACCOUNT = {"email": "ada@example.com", "password": "an engine of brass"}


@contextmanager
def nginx(configuration: str, directory: Path, port: int) -> Iterator[str]:
    """nginx with the page's configuration, its files in a directory of the test's."""
    places = "".join(
        f"{name}_temp_path {directory}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = configuration.replace("http {", f"http {{ access_log {directory}/access.log; {places}").replace(
        "127.0.0.1:8080", f"127.0.0.1:{port}"
    )
    (directory / "nginx.conf").write_text(text)
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or "nginx"
    options = [
        "-e",
        f"{directory}/error.log",
        "-c",
        f"{directory}/nginx.conf",
        "-g",
        f"daemon off; pid {directory}/nginx.pid;",
    ]
    process = subprocess.Popen([program, *options])
    try:
        while not reachable(port):
            assert process.poll() is None, (directory / "error.log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def reachable(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=60)
    except httpx.TransportError:
        return False
    return True


def test_the_configuration_works(tmp_path: Path) -> None:
    configuration = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    with Reader(tmp_path) as reader:
        reader.serve("env PELLUCID_PROXIES=127.0.0.1 pellucid serve")
        inward = configuration.replace("127.0.0.1:8000", f"127.0.0.1:{reader.port}")
        with nginx(inward, tmp_path, free_port()) as url, httpx.Client(base_url=url, timeout=60) as client:
            row = client.post("/data", json={"name": "Sir"})
            assert (row.status_code, row.json()["name"]) == (201, "Sir")
            assert re.fullmatch(r"[0-9a-f]{32}", row.headers["x-request-id"])
            assert client.post("/signup", json=ACCOUNT).status_code == 201
            assert client.post("/data", content=b"x" * 17_000_000).status_code == 413
            statuses = [client.post("/login", json=ACCOUNT).status_code for _ in range(15)]
            assert (statuses[0], 429 in statuses) == (200, True)
