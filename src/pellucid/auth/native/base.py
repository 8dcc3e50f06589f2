"""What the native routes share: small bodies, the accounts behind them, answers that are never kept."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from pellucid.auth import client
from pellucid.auth.service import Accounts
from pellucid.database.capabilities import Feature
from pellucid.errors import Unauthenticated
from pellucid.web.content import FORM_BYTES
from pellucid.web.dependencies import Identity
from pellucid.web.limits import within
from pellucid.web.options import Limits

NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""What an answer with a token carries (RFC 6749, 5.1)."""

ENTRY = Limits(body=FORM_BYTES)
"""An address and a password are short. Anybody may send them, so what takes long to read or to find fault with ends here."""


class AccountsRoute(APIRoute):
    """A route that reads small bodies only, before anything is parsed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler behind the limit."""
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            return await handle(within(ENTRY, request))

        return limited


def accounts_of(request: Request) -> Accounts:
    """The accounts of this application, which its start-up puts at ``app.state.accounts``.

    Raises:
        FeatureOff: the database has no room for accounts.
    """
    accounts: Accounts = request.app.state.accounts
    accounts.database.capabilities.require(Feature.ACCOUNTS)
    return accounts


def signed_in(caller: Identity) -> None:
    """Let only those in who sent a good token.

    Raises:
        Unauthenticated: the caller is anonymous.
    """
    if not caller.authenticated:
        raise Unauthenticated("Only those who have signed in may see accounts.")


Client = Annotated[client.Client, Depends(client.client_of)]
"""Where the request comes from."""
AccountsOfApp = Annotated[Accounts, Depends(accounts_of)]
FOR_CALLERS = [Depends(accounts_of), Depends(signed_in)]
