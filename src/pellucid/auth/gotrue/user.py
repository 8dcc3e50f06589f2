"""``/user``, ``/reauthenticate`` and ``/logout``: what somebody who is signed in does with the own account."""

import json
import time
from typing import Any

from sqlalchemy import exists, select
from starlette.responses import Response

from pellucid.auth.assurance import require_account
from pellucid.auth.audit import Event
from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.letters import ask, letter, mails_limited, no_phone
from pellucid.auth.gotrue.passwords import require_fit
from pellucid.auth.gotrue.shapes import user_shown
from pellucid.auth.gotrue.verify import RECOVERY
from pellucid.auth.limits import SIGN_IN
from pellucid.auth.native.base import NEVER_KEPT
from pellucid.auth.onetime import Purpose
from pellucid.auth.tables import Password, User
from pellucid.database.caller import ACCOUNTS
from pellucid.errors import AuthRefused, ProofRefused, WrongCredentials
from pellucid.web.content import FORM_BYTES
from pellucid.web.identity import Identity

RECOVERY_SECONDS = 900
"""How long a session that began with a recovery may set a password without the present one."""


async def read(call: Call) -> Response:
    """``GET /user``: the account of the token."""
    _, user = await call.signed_in()
    return answer(await user_shown(call.accounts, user))


async def change(call: Call) -> Response:
    """``PUT /user``: another password, another address, other metadata."""
    identity, user = await call.signed_in()
    if call.text("phone"):
        raise no_phone()
    if call.fields.get("app_metadata") is not None:
        raise AuthRefused(403, "not_admin", "Updating app_metadata requires admin privileges")
    email, password, data = call.text("email"), call.text("password"), call.mapping("data")
    address = call.email() if email else user.email
    if user.is_anonymous and password and not email:
        words = "Updating password of an anonymous user without an email or phone is not allowed"
        raise AuthRefused(422, "validation_failed", words)
    if password:
        await _set_password(call, identity, user, password)
    if address is not None and address != user.email:
        with mails_limited():
            await call.accounts.change_email(identity, address, call.client, letter(call, "email_change"))
    if data is not None:
        await _merge(call, user, data)
    return answer(await user_shown(call.accounts, await call.accounts.door.user(user.id)))


async def reauthenticate(call: Call) -> Response:
    """``GET /reauthenticate``: have a code sent that lets the password be changed."""
    _, user = await call.owner()
    if not user.email:
        raise invalid("Reauthentication requires the user to have an email or a phone number")
    return await ask(call, Purpose.REAUTHENTICATE, user.email, {})


async def log_out(call: Call) -> Response:
    """``POST /logout?scope=``: end all sessions, this one (``local``), or all others."""
    scope = call.asked("scope") or "global"
    if scope not in ("global", "local", "others"):
        raise invalid(f'Unsupported logout scope "{scope[:50]}"')
    identity, user = await call.signed_in()
    here = identity.session_id
    if here is None and scope != "global":
        raise AuthRefused(
            403, "session_not_found", "The token belongs to no session: only the scope global makes sense"
        )
    only, but = (here if scope == "local" else None), (here if scope == "others" else None)
    await call.accounts.sessions.revoke(user.id, only=only, but=but, client=call.client, event=Event.SIGNED_OUT)
    return Response(status_code=204, headers=NEVER_KEPT)


async def _set_password(call: Call, identity: Identity, user: User, password: str) -> None:
    """Set a password on the strength of a nonce that was mailed, of a recovery, of the present one, or of there being none yet."""
    accounts = call.accounts
    require_account(identity)
    require_fit(password, user.email)
    await accounts.require_assurance(identity)
    if call.text("nonce"):
        await _take_nonce(call, user)
        await accounts.set_password(user, password, Event.PASSWORD_CHANGED, call.client, but=identity.session_id)
    elif _recovers(identity):
        await _refuse_same(call, user, password)
        await accounts.set_password(user, password, Event.PASSWORD_RESET, call.client, but=identity.session_id)
    elif call.text("current_password") or not await _has_password(call, user):
        try:
            await accounts.change_password(identity, call.text("current_password") or None, password, call.client)
        except WrongCredentials as fault:
            words = "Current password required when setting new password."
            raise AuthRefused(400, "current_password_invalid", words) from fault
    else:
        raise AuthRefused(400, "reauthentication_needed", "Password update requires reauthentication")


async def _take_nonce(call: Call, user: User) -> None:
    try:
        taken = await call.accounts.mailed.take(
            Purpose.REAUTHENTICATE, address=user.email or "", code=call.text("nonce"), client=call.client
        )
    except ProofRefused as fault:
        raise _bad_nonce() from fault
    if taken.user_id != user.id:
        raise _bad_nonce()


def _bad_nonce() -> AuthRefused:
    return AuthRefused(422, "reauthentication_not_valid", "Nonce has expired or is invalid")


async def _refuse_same(call: Call, user: User, password: str) -> None:
    await call.accounts.limits.admit(SIGN_IN, str(user.id), call.client)
    async with call.accounts.database.read(ACCOUNTS) as reading:
        hashed = await reading.scalar(select(Password.hash).where(Password.user_id == user.id))
    if hashed is not None and await call.accounts.passwords.verify(password, hashed):
        raise AuthRefused(422, "same_password", "New password should be different from the old password.")


async def _has_password(call: Call, user: User) -> bool:
    async with call.accounts.database.read(ACCOUNTS) as reading:
        return bool(await reading.scalar(select(exists().where(Password.user_id == user.id))))


def _recovers(identity: Identity) -> bool:
    """Whether the session began with a recovery, a short while ago."""
    proofs: list[dict[str, Any]] = list(identity.claims.get("amr") or [])
    since = int(time.time()) - RECOVERY_SECONDS
    return any(proof.get("method") == RECOVERY and proof.get("timestamp", 0) >= since for proof in proofs)


async def _merge(call: Call, user: User, data: dict[str, Any]) -> None:
    """Lay metadata over those that are there; what is null goes away."""
    async with call.accounts.database.write(ACCOUNTS) as writing:
        known = await writing.get(User, user.id, with_for_update=True)
        if known is not None:
            known.user_metadata = merged(known.user_metadata, data)
            if len(json.dumps(known.user_metadata)) > FORM_BYTES:
                raise invalid(f"The metadata of an account may have at most {FORM_BYTES} bytes")
            await call.accounts.audit.note(writing, Event.USER_CHANGED, user_id=user.id, client=call.client)


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Two objects as one; what is null in the second goes away."""
    return {name: value for name, value in (old | new).items() if value is not None}
