"""What a proxy in front says of itself, and whether it is believed."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from pellucid.observe import Stage
from pellucid.trace.bands import bands
from pellucid.trace.document import Row
from pellucid.trace.encode import from_json
from pellucid.trace.journey import Hop
from pellucid.trace.proxies import UNTIMED, Believed, facts_of, started
from tests.conftest import Clone
from tests.docs.test_nginx import nginx, pytestmark
from tests.postgres.world import free_port
from tests.trace.place import opened

NGINX = """
events {}
http {
  server {
    listen 127.0.0.1:8080;
    location / {
      proxy_pass http://127.0.0.1:INWARD;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Start "t=${msec}";
      proxy_set_header Via "1.1 nginx";
    }
  }
}
"""


@pytest.mark.parametrize("digits", [0, 3, 6, 9])
def test_the_start_is_read_in_every_unit(digits: int) -> None:
    now = time.time() - 0.25
    whole = f"{int(now * 10**digits)}" if digits else f"{now:.3f}"
    for header in (f"t={whole}", whole, f"t= {whole}"):
        at = started(header.encode())
        assert at is not None
        assert abs(at - now) < 0.01


@pytest.mark.parametrize(
    "header", [None, b"", b"yesterday", b"t=1", b"t=99999999999", b"t=1600000000.0", b"t=\xff", b"4102444800"]
)
def test_a_start_that_makes_no_sense_is_none(header: bytes | None) -> None:
    assert started(header) is None


def test_networks_and_addresses_are_believed() -> None:
    believed = Believed(["10.0.0.0/8", "::1", "proxy.internal"])
    assert [peer in believed for peer in ("10.1.2.3", "::1", "11.0.0.1", "proxy.internal", None, "")] == [
        True, True, False, True, False, False,
    ]  # fmt: skip
    assert "11.0.0.1" in Believed(["*"])
    assert "127.0.0.1" not in Believed([])


def test_what_a_proxy_says_is_kept_short() -> None:
    headers = {b"via": b"1.1 Caddy", b"x-forwarded-for": b"1.2.3.4, 5.6.7.8", b"x-forwarded-proto": b"https"}
    assert facts_of(headers) == (None, {"proxy": "1.1 Caddy", "scheme": "https", "hops": 2})
    assert facts_of({b"via": b"x\x1b[31m"}) == (None, {})


async def test_only_a_proxy_that_is_believed_may_say_when_it_began(clone: Clone, tmp_path: Path) -> None:
    began = {"X-Request-Start": f"t={time.time() - 5:.3f}", "Via": "1.1 forged"}
    async with opened(clone, tmp_path, wire=True) as place:
        _, trace = await place.traced("GET", "/person/1", headers=began)
        assert all(row.stage is not Stage.PROXY for row in trace.rows)
        assert trace.seconds < 5


async def test_what_is_looked_at_after_the_answer_is_not_taken_for_the_proxy(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, wire=True, proxies=("127.0.0.1",)) as place:
        began = time.time()
        answer = await place.client.post(
            "/person",
            json={"name": "a"},
            headers={"Pellucid-Trace": "full", "X-Request-Start": f"t={began:.6f}", "X-Proxy": "nginx"},
        )
        elapsed = time.time() - began
        trace = await place.trace(answer.headers["pellucid-trace"])
    assert trace.commits
    assert trace.rows[0].facts["proxy"] == "nginx"
    assert trace.seconds <= elapsed
    assert abs(trace.started - began) < 0.001


async def test_a_proxy_that_does_not_say_when_it_began_is_named_all_the_same(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, wire=True, proxies=("127.0.0.1",)) as place:
        _, trace = await place.traced("GET", "/person/1", headers={"X-Forwarded-Server": "front-1"})
    assert (trace.rows[0].stage, trace.rows[0].seconds) == (Stage.PROXY, 0.0)
    assert trace.rows[0].facts == {"address": "127.0.0.1", "machine": "front-1", "time": UNTIMED}
    waited = Row(Stage.WAIT, 0.0, trace.seconds)
    shown = bands(Hop("GET", "/person/1", (waited,), server=trace))[1]
    assert (shown.bars[0].label, shown.bars[0].depth) == ("proxy", 0)


@pytestmark[1]
@pytest.mark.process
async def test_nginx_in_front_is_the_first_stage(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path / "data", wire=True, proxies=("127.0.0.1",)) as place:
        inward = NGINX.replace("INWARD", str(place.client.base_url.port))
        running = nginx(inward, tmp_path, free_port())
        url = await asyncio.to_thread(running.__enter__)
        try:
            async with httpx.AsyncClient(base_url=url) as client:
                answer = await client.get("/person/7", headers={"Pellucid-Trace": "full"})
                found = await client.get(f"/traces/{answer.headers['pellucid-trace']}")
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)
    trace = from_json(found.json())
    proxy = trace.rows[0]
    assert (proxy.stage, proxy.start) == (Stage.PROXY, 0.0)
    assert proxy.facts == {"address": "127.0.0.1", "proxy": "1.1 nginx", "scheme": "http", "hops": 1}
    assert trace.rows[1].start >= proxy.seconds >= 0
    assert trace.unaccounted < 0.1 * trace.seconds
