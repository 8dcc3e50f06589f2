"""A real OpenID provider in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.postgres.world import free_port


@dataclass(frozen=True)
class Peer:
    """The provider, and what people do there."""

    issuer: str

    async def knows(self, sub: str, **claims: Any) -> None:
        """Have the provider say this of somebody."""
        async with httpx.AsyncClient() as web:
            (await web.put(f"{self.issuer}/users/{sub}", json=claims)).raise_for_status()

    async def consents(self, address: str, sub: str | None) -> httpx.URL:
        """Sign in there as somebody, or say no; gives the address that the browser is sent back to."""
        async with httpx.AsyncClient() as web:
            answer = await web.post(address, data={"action": "deny"} if sub is None else {"sub": sub})
        assert answer.status_code == 302, answer.text
        return httpx.URL(answer.headers["location"])


@contextmanager
def provider() -> Iterator[Peer]:
    """Start it, and wait until it says that it is ready."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "oidc_provider_mock",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--require-nonce",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "running on" in line:
                break
        else:
            raise AssertionError("".join(said))
        yield Peer(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.stdout.close()
        process.wait()
