"""``POST /token?grant_type=id_token``: an app that got an ID token from a provider by itself, as apps of phones do, brings it along."""

import hashlib
from uuid import UUID

from starlette.responses import Response

from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.shapes import session_shown
from pellucid.auth.providers.service import METHOD
from pellucid.auth.tables import User
from pellucid.errors import AuthRefused, NotLinked, ProviderFailed, UnknownProvider


async def sign_in(call: Call) -> Response:
    """Let somebody in who is known to a provider by ``id_token``; with ``link_identity``, link that one to the account that asks.

    ``nonce`` is the one whose SHA-256, in hexadecimal, the app had the provider put into the token; both are there, or neither is.
    ``access_token`` is compared with what the token says of it.
    """
    if not call.text("id_token"):
        raise _refused("id_token required")
    if not call.text("provider") and not (call.text("client_id") and call.text("issuer")):
        raise _refused("provider or client_id and issuer required")
    user = await _user(call, await _link(call) if call.flag("link_identity") else None)
    granted = await call.accounts.door.let_in(user, METHOD, client=call.client)
    return answer(await session_shown(call.accounts, granted))


async def _link(call: Call) -> UUID:
    identity, user = await call.owner()
    await call.accounts.require_assurance(identity)
    return user.id


async def _user(call: Call, link: UUID | None) -> User:
    nonce = call.text("nonce")
    try:
        return await call.accounts.others.by_token(
            _provider(call),
            call.text("id_token"),
            call.client,
            nonce=hashlib.sha256(nonce.encode("utf-8", "replace")).hexdigest() if nonce else None,
            access_token=call.text("access_token") or None,
            link=link,
        )
    except UnknownProvider as fault:
        name = call.text("provider") or call.text("issuer")
        raise invalid(f'Custom OIDC provider "{name[:100]}" not allowed') from fault
    except ProviderFailed as fault:
        raise _refused(f"Bad ID token: {fault.message}") from fault
    except NotLinked as fault:
        if link is None:
            raise
        raise AuthRefused(422, "identity_already_exists", "Identity is already linked to another user") from fault


def _provider(call: Call) -> str:
    """The name of the provider, or of the one with the issuer that is named."""
    if name := call.text("provider"):
        return name
    providers = call.accounts.others.providers.items()
    named = (name for name, each in providers if each.options.issuer == call.text("issuer"))
    return next(named, "")


def _refused(description: str) -> AuthRefused:
    return AuthRefused(400, "invalid request", description, oauth=True)
