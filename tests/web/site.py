"""A small application inside of the web room, and a client of it."""

from collections.abc import Sequence

import httpx
from fastapi import FastAPI

from pellucid.web.exchange import Exchange, Listener
from pellucid.web.options import WebOptions
from pellucid.web.stack import install


class Site:
    """The application, and all exchanges it has had."""

    def __init__(self, options: WebOptions | None = None, *, listeners: Sequence[Listener] = ()) -> None:
        self.app = FastAPI(docs_url=None, redoc_url=None)
        self.options = options or WebOptions()
        self.listeners = listeners
        self.exchanges: list[Exchange] = []
        self._installed = False

    def client(self, base: str = "http://localhost", address: str = "127.0.0.1") -> httpx.AsyncClient:
        """A client that speaks to the application without a network."""
        self.install()
        transport = httpx.ASGITransport(self.app, client=(address, 50000))
        return httpx.AsyncClient(transport=transport, base_url=base)

    def install(self) -> FastAPI:
        """Put the web room around what the application has by now."""
        if not self._installed:
            install(self.app, self.options, [self.exchanges.append, *self.listeners])
            self._installed = True
        return self.app
