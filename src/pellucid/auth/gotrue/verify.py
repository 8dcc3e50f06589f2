"""``/verify``: what mails brought. A browser that follows a link is redirected; a program posts its token, or the address and the code."""

from starlette.responses import Response

from pellucid.auth.gotrue import pkce, redirects
from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.shapes import session_members, session_shown
from pellucid.auth.onetime import CHANGES, Purpose, Taken
from pellucid.auth.tables import User
from pellucid.errors import AuthRefused, PellucidError, ProofRefused

PURPOSES: dict[str, tuple[Purpose, ...]] = {
    "signup": (Purpose.VERIFY, Purpose.SIGN_IN),
    "magiclink": (Purpose.SIGN_IN, Purpose.VERIFY),
    "email": (Purpose.SIGN_IN, Purpose.VERIFY, Purpose.INVITE),
    "invite": (Purpose.INVITE,),
    "recovery": (Purpose.RECOVER,),
    "email_change": CHANGES,
}
"""What each type is good for. The first mail to somebody new may be of either of two kinds, which prove the same."""
HALF = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
RECOVERY = "recovery"
"""How ``amr`` names a link or a code that lets its reader choose another password."""


async def follow(call: Call) -> Response:
    """``GET /verify``: use a link up, and redirect with a session in the fragment, with a code, or with what went wrong."""
    kind, token, pkce_flow = call.asked("type"), call.asked("token"), call.asked("flow") == "pkce"
    purposes = _purposes(kind)
    if not token:
        raise invalid("Verify requires a token or a token hash")
    to = redirects.destination(call)
    try:
        taken = await _taken(call, *purposes, token=token)
        return await _led_on(call, taken, kind, to)
    except PellucidError as fault:
        if fault.status >= 500:
            raise
        return redirects.with_error(to, fault, pkce=pkce_flow)


async def prove(call: Call) -> Response:
    """``POST /verify``: the same for a program, which gets the session as the answer."""
    kind, code, token = call.text("type"), call.text("token"), call.text("token_hash")
    purposes = _purposes(kind)
    if bool(code) is bool(token):
        raise invalid("Verify requires either a token or a token hash")
    if token and (call.text("email") or call.text("phone") or call.text("redirect_to")):
        raise invalid("Only the token_hash and type should be provided")
    if code and not call.text("email"):
        raise invalid("Only an email address or phone number should be provided on verify")
    taken = (
        await _taken(call, *purposes, token=token)
        if token
        else await call.accounts.mailed.take(*purposes, address=call.email(), code=code, client=call.client)
    )
    user = await _proved(call, taken)
    if user is None:
        return answer({"msg": HALF, "code": "200"})
    granted = await call.accounts.door.let_in(user, _method(taken), client=call.client)
    return answer(await session_shown(call.accounts, granted))


def _purposes(kind: str) -> tuple[Purpose, ...]:
    if not kind:
        raise invalid("Verify requires a verification type")
    if kind in ("sms", "phone_change"):
        raise AuthRefused(400, "phone_provider_disabled", "Unsupported phone provider")
    if kind not in PURPOSES:
        raise invalid("Unsupported verification type")
    return PURPOSES[kind]


async def _taken(call: Call, *purposes: Purpose, token: str) -> Taken:
    try:
        return await call.accounts.mailed.take(*purposes, token=token, client=call.client)
    except ProofRefused as fault:
        raise redirects.link_expired() from fault


async def _proved(call: Call, taken: Taken) -> User | None:
    """The account that a proof belongs to; None where another address has to agree first."""
    if taken.purpose not in CHANGES:
        return await call.accounts.mailed.verified(taken, call.client)
    user = await call.accounts.mailed.agree(taken, call.client)
    return user if user.new_email is None else None


async def _led_on(call: Call, taken: Taken, kind: str, to: str) -> Response:
    challenge = taken.data.get("challenge")
    user = await _proved(call, taken)
    if user is None:
        return redirects.with_message(to, HALF, pkce=challenge is not None)
    if challenge is not None:
        code = await pkce.issue(call.accounts.database, user, challenge, _method(taken))
        return redirects.with_code(to, code)
    granted = await call.accounts.door.let_in(user, _method(taken), client=call.client)
    return redirects.with_session(to, session_members(granted), kind)


def _method(taken: Taken) -> str:
    return RECOVERY if taken.purpose == Purpose.RECOVER else "otp"
