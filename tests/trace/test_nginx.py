"""A real nginx in front: it ends TLS, speaks HTTP/2 to the client and HTTP/1.1 to the server behind."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pellucid.observe import Stage
from pellucid.trace.client.asked import Asked, Version, Ways
from pellucid.trace.client.client import Client
from tests.postgres.world import free_port
from tests.trace.client.authority import Authority
from tests.trace.client.servers import listens

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed (Debian: apt install nginx-light)"),
]
CONFIGURATION = """
pid {directory}/nginx.pid; daemon off; error_log {directory}/error.log;
events {{}}
http {{
  access_log off; {places}
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {chain}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:one:1m;
    location / {{ proxy_pass http://127.0.0.1:{behind}; }}
  }}
}}
"""


@pytest.fixture
def front(plain: int, authority: Authority, tmp_path: Path) -> Iterator[int]:
    """The port of an nginx in front of the site."""
    port, leaf = free_port(), authority.leaf("front.test")
    places = " ".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = CONFIGURATION.format(
        directory=tmp_path, places=places, port=port, chain=leaf.chain, key=leaf.key, behind=plain
    )
    (tmp_path / "nginx.conf").write_text(text)
    process = subprocess.Popen([PROGRAM or "nginx", "-e", f"{tmp_path}/error.log", "-c", f"{tmp_path}/nginx.conf"])
    try:
        while not listens(port):
            assert process.poll() is None, (tmp_path / "error.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.parametrize(("version", "spoken"), [(Version.ANY, "HTTP/2"), (Version.ONE, "HTTP/1.1")])
async def test_nginx_is_seen_as_it_is(version: Version, spoken: str, front: int, authority: Authority) -> None:
    ways = Ways(version=version, cacert=authority.root, kept=False, resolve={("front.test", front): ("127.0.0.1",)})
    async with Client(ways) as client:
        asked = Asked("GET", f"https://front.test:{front}/big")
        first, second = await client.visit(asked, len), await client.visit(asked, len)
        assert re.match(r"nginx", client.answers[0].get("server"))
    assert (first.last.http, first.last.status) == (spoken, 200)
    assert first.last.facts(Stage.TLS)["chain"] == "front.test ← Test Intermediate ← Test Root"
    assert [run.last.facts(Stage.TLS)["resumed"] for run in (first, second)] == [False, True]
