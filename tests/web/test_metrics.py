"""What is counted, and who may see it."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest

from pellucid.auth.tokens import Tokens
from pellucid.database.core import Database
from pellucid.web.resources import Resources
from tests.web.site import Site


def value(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found, f"{series} is not in:\n{text}"
    return float(found[1])


async def scrape(client: httpx.AsyncClient) -> str:
    response = await client.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=")
    return response.text


@pytest.mark.anyio
async def test_requests_and_stages_are_counted(living: Site) -> None:
    @living.app.get("/things/{number}")
    async def things(number: int) -> int:
        return number

    async with living.client() as client:
        for number in range(5):
            await client.get(f"/things/{number}")
            await client.get(f"/nowhere/{number}")
        await client.request("BREW", "/things/1")
        await client.request("MELT", "/things/1")
        text = await scrape(client)
    assert value(text, 'pellucid_requests_total{method="GET",route="/things/{number}",status="200"}') == 5
    assert value(text, 'pellucid_requests_total{method="GET",route="(none)",status="404"}') == 5
    assert value(text, 'pellucid_requests_total{method="OTHER",route="/things/{number}",status="405"}') == 2
    assert value(text, 'pellucid_request_seconds_count{method="GET",route="/things/{number}"}') == 5
    assert value(text, 'pellucid_stage_seconds_count{stage="server"}') == 12
    assert "/nowhere" not in text


@pytest.mark.anyio
async def test_the_pool_and_the_catalog_are_gauged(living: Site, database: Database) -> None:
    async with living.client() as client:
        text = await scrape(client)
    assert value(text, 'pellucid_pool_connections{state="size"}') == 2
    assert value(text, 'pellucid_pool_connections{state="busy"}') == 0
    assert value(text, 'pellucid_pool_connections{state="open"}') == 1
    assert value(text, "pellucid_catalog_version") == database.catalog.version >= 1
    assert "process_resident_memory_bytes" in text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 401),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, 401),
        ("203.0.113.9", {}, 401),
        ("testclient", {}, 401),
    ],
)
async def test_production_shows_metrics_to_this_machine(
    living: Site, database: Database, address: str, headers: dict[str, str], status: int
) -> None:
    in_production(living, database)
    async with living.client(address=address) as client:
        assert (await client.get("/metrics", headers=headers)).status_code == status


@pytest.mark.parametrize(("role", "status"), [("service_role", 200), ("authenticated", 403), ("anon", 403)])
@pytest.mark.anyio
async def test_production_shows_metrics_to_operators(
    living: Site, database: Database, tokens: Tokens, role: str, status: int
) -> None:
    in_production(living, database)
    async with living.client(address="203.0.113.9") as client:
        signed = {"Authorization": f"Bearer {tokens.issue(None, role=role).text}"}
        assert (await client.get("/metrics", headers=signed)).status_code == status
        forged = await client.get("/metrics", headers={"Authorization": "Bearer nonsense"})
        assert forged.status_code == 401


def in_production(site: Site, database: Database) -> None:
    resources: Resources = site.app.state.pellucid
    site.app.state.pellucid = Resources(database, resources.identifier, production=True)


# -- health -----------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_process_that_answers_is_alive(site: Site) -> None:
    async with site.client() as client:
        assert (await client.get("/health/live")).json() == {"status": "ok"}


@pytest.mark.anyio
async def test_a_server_with_a_database_is_ready(living: Site, database: Database) -> None:
    async with living.client() as client:
        response = await client.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "catalog": database.catalog.version, "missing": []}


@pytest.mark.anyio
async def test_strangers_learn_little_from_health(living: Site, database: Database) -> None:
    in_production(living, database)
    async with living.client(address="203.0.113.9") as client:
        assert "missing" not in (await client.get("/health/ready")).json()


@pytest.mark.anyio
async def test_a_busy_server_is_not_an_ill_one(living: Site, database: Database) -> None:
    async with database.engine.connect() as one, database.engine.connect() as two, living.client() as client:
        assert one is not two
        assert (await client.get("/health/ready")).status_code == 200


@pytest.mark.anyio
async def test_a_flood_of_questions_is_one_for_the_database(living: Site, admin: asyncpg.Connection) -> None:
    statistics = await admin.fetchval(
        "select extnamespace::regnamespace::text from pg_extension where extname = 'pg_stat_statements'"
    )
    counting = (
        f"select coalesce(sum(calls), 0) from {statistics}.pg_stat_statements s join pg_database d on d.oid = s.dbid "
        "where query = 'select $1' and userid = 'authenticator'::regrole and datname = current_database()"
    )
    async with living.client() as client:
        before = await admin.fetchval(counting)
        answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(50)))
        after = await admin.fetchval(counting)
    assert {answer.status_code for answer in answers} == {200}
    assert 1 <= after - before < 10


@pytest.mark.anyio
async def test_a_server_without_its_database_is_not_ready(
    living: Site, database: Database, admin: asyncpg.Connection
) -> None:
    await admin.execute("alter role authenticator nologin")
    try:
        await admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'authenticator'"
        )
        async with living.client() as client:
            response = await client.get("/health/ready")
    finally:
        await admin.execute("alter role authenticator login")
    assert (response.status_code, response.json()["database"]) == (503, "unreachable")
    assert response.headers["retry-after"] == "1"


@pytest.mark.anyio
async def test_before_the_start_nothing_is_ready(site: Site) -> None:
    async with site.client() as client:
        response = await client.get("/health/ready")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")


# -- several workers --------------------------------------------------------------------------------------------------

WORKERS = """
import os, sys
from prometheus_client import CollectorRegistry
from pellucid.observe import listen
from pellucid.web.exchange import Exchange
from pellucid.web.metrics import Metrics

metrics = Metrics()

def work():
    for _ in range(3):
        exchange = Exchange({"method": "GET", "path": "/"}, "id", listen()[0], status=200)
        exchange.settle()
        metrics.count(exchange)
    metrics._connections.labels("busy").set(1)

children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
work()
sys.stdout.write(metrics.text(None).decode())
"""


def test_all_workers_are_added_up_and_the_dead_hold_no_connections(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    text = subprocess.run(
        [sys.executable, "-c", WORKERS], env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert value(text, 'pellucid_requests_total{method="GET",route="(none)",status="200"}') == 9
    assert value(text, 'pellucid_stage_seconds_count{stage="server"}') == 9
    assert value(text, 'pellucid_pool_connections{state="busy"}') == 1
