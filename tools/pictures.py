"""Draw the pictures of traces in the documentation anew, each from a real request: `make pictures`.

A name server, nginx with a certificate, Pellucid and its PostgreSQL are started on this machine, and asked as the guide tells. The pictures
go to `docs/assets`; what the terminal shows of the sign-up is printed, for the page that follows it.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from tests.docs.test_nginx import nginx
from tests.postgres.world import free_port
from tests.trace.client.authority import Authority, Served
from tests.trace.client.servers import name_server

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "docs" / "assets"
PROGRAM = Path(sys.executable).with_name("pellucid")
HOST, FRONT = "api.example.com", 8443
BEHIND = free_port()
PAGE = "../explanation/the-path-of-a-request.html"
"""Where the page lies that explains the stages, seen from a picture in the built documentation."""
FRONT_CONF = """
events {}
http {
  server {
    listen 127.0.0.1:FRONT ssl http2;
    ssl_certificate CHAIN; ssl_certificate_key KEY; ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass http://127.0.0.1:BEHIND; proxy_http_version 1.1; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Start "t=${msec}"; proxy_set_header X-Proxy nginx;
    }
  }
}
"""
TABLES = """
create table orders (id bigint generated always as identity primary key, customer int not null, state text not null, total numeric,
  created_at timestamptz not null default now());
insert into orders (customer, state, total, created_at) select n % 5000, case n % 400 when 0 then 'open' else 'done' end, n % 900,
  now() - n * interval '1 minute' from generate_series(1, 200000) n;
alter table orders enable row level security;
create policy everybody on orders for select using (true);
grant select on orders to anon;
analyze orders;
notify pgrst, 'reload schema';
"""
ORDERS = f"https://{HOST}:{FRONT}/orders?state=eq.open&order=created_at.desc&limit=20"
SIGNUP = f"https://{HOST}:{FRONT}/signup"


def main() -> None:
    """Draw."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # PostgreSQL may run as an account of its own
        asyncio.run(draw(Path(name)))


async def draw(directory: Path) -> None:
    """Start everything, ask, and draw."""
    authority = Authority(directory, "Example")
    async with name_server({(f"{HOST}.", "A"): ["127.0.0.1"]}) as (_, (_, port)), serving(directory):
        with nginx(configuration(authority.leaf(HOST)), directory, FRONT):
            options = ["--dns-server", f"127.0.0.1:{port}", "--cacert", str(authority.root)]
            await warm(options)
            await traced("GET", ORDERS, "trace.svg", *options)
            body = '{"email":"ada@example.com","password":"correct horse battery staple"}'
            print(await traced("POST", SIGNUP, "signup-trace.svg", "--json", body, *options))


def configuration(served: Served) -> str:
    """nginx' configuration."""
    found = FRONT_CONF.replace("FRONT", str(FRONT)).replace("BEHIND", str(BEHIND))
    return found.replace("CHAIN", str(served.chain)).replace("KEY", str(served.key))


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[None]:
    """Pellucid with a table of many rows."""
    settings = {"PELLUCID_PROXIES": "127.0.0.1", "PELLUCID_ALLOWED_HOSTS": f"{HOST},127.0.0.1"}
    command = [str(PROGRAM), "serve", "--port", str(BEHIND), "--data", str(directory / "data")]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | settings, stderr=quiet)
    try:
        await answers("/health/ready")
        await ran("sql", "--data", str(directory / "data"), "--", "-qc", TABLES)
        await answers("/orders?limit=1")
        yield
    finally:
        process.terminate()
        await process.wait()


async def answers(path: str) -> None:
    """Wait until there is an answer of success."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{BEHIND}") as client:
        for _ in range(600):
            with suppress(httpx.TransportError):
                if (await client.get(path)).is_success:
                    return
            await asyncio.sleep(0.1)
    raise SystemExit(f"{path} does not answer")


async def warm(options: list[str]) -> None:
    """Ask everything once beforehand: the first time of all is no picture of any other."""
    account = '{"email":"grace@example.com","password":"correct horse battery staple"}'
    for _ in range(5):
        await ran("trace", "GET", ORDERS, *options)
    await ran("trace", "POST", SIGNUP, "--json", account, *options)


async def traced(method: str, url: str, picture: str, *options: str) -> str:
    """What the terminal shows of a request; its picture is drawn."""
    shown = await ran("trace", method, url, "--svg", str(ASSETS / picture), *options)
    drawn = (ASSETS / picture).read_text()
    page = (ROOT / "docs" / "explanation" / "the-path-of-a-request.md").as_uri()
    (ASSETS / picture).write_text(drawn.replace(page, PAGE))
    return shown


async def ran(*arguments: str) -> str:
    """What a command prints."""
    process = await asyncio.create_subprocess_exec(str(PROGRAM), *arguments, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"pellucid {arguments[0]} failed")
    return told.decode()


if __name__ == "__main__":
    main()
