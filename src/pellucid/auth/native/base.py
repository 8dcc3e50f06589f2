"""What the native routes share: small bodies, the accounts behind them, answers that are never kept."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from pellucid.auth import client
from pellucid.auth.apikeys.form import PREFIX
from pellucid.auth.service import Accounts
from pellucid.database.capabilities import Feature
from pellucid.errors import Forbidden, Unauthenticated
from pellucid.web import identity
from pellucid.web.content import FORM_BYTES
from pellucid.web.dependencies import Identity
from pellucid.web.identity import current_identity
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
            await _refuse_keys(request)
            return await handle(within(ENTRY, request))

        return limited


async def _refuse_keys(request: Request) -> None:
    """Keep the keys of accounts from changing accounts: whoever finds one must not become the account.

    Raises:
        Forbidden: such a key asks for a change.
    """
    shown = (request.headers.get("authorization", ""), request.headers.get("apikey", ""))
    if request.method in ("GET", "HEAD") or not any(PREFIX in each for each in shown):
        return
    refuse_key(await current_identity(request), request.method)


def refuse_key(caller: identity.Identity, method: str) -> None:
    """Let the key of an account read accounts, and do nothing else with them.

    Raises:
        Forbidden: such a key asks for a change.
    """
    if method not in ("GET", "HEAD") and "key_id" in caller.claims and caller.user_id is not None:
        raise Forbidden("An API key is not enough for this.", hint="Sign in as the account itself.")


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
