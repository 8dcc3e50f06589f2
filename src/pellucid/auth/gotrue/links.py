"""``/admin/generate_link`` and ``/invite``: the way in for somebody else, handed to the service or sent by mail."""

from starlette.responses import Response

from pellucid.auth.admin.service import NewAccount
from pellucid.auth.gotrue.admin import actor_of
from pellucid.auth.gotrue.call import Call, address, answer, invalid
from pellucid.auth.gotrue.letters import VERIFY, letter
from pellucid.auth.gotrue.passwords import require_fit
from pellucid.auth.gotrue.redirects import destination
from pellucid.auth.gotrue.shapes import user_shown
from pellucid.auth.onetime import Purpose
from pellucid.errors import AuthRefused, RowNotFound

KINDS = {
    "signup": (Purpose.VERIFY, "signup"),
    "magiclink": (Purpose.SIGN_IN, "magiclink"),
    "recovery": (Purpose.RECOVER, "recovery"),
    "invite": (Purpose.INVITE, "invite"),
    "email_change_current": (Purpose.CHANGE_EMAIL_OLD, "email_change"),
    "email_change_new": (Purpose.CHANGE_EMAIL_NEW, "email_change"),
}
"""What each kind of link proves, and of which type it is when it is verified."""


async def invite(call: Call) -> Response:
    """``POST /invite``: make an account, and have its owner invited by mail."""
    actor = await actor_of(call)
    user = await call.accounts.administration.invite(
        call.email(), actor, metadata=call.mapping("data"), data=letter(call, "invite")
    )
    return answer(await user_shown(call.accounts, user))


async def generate(call: Call) -> Response:
    """``POST /admin/generate_link``: get a link and a code, and send no mail. The answer is the account with the link's parts in it."""
    actor = await actor_of(call)
    kind = call.text("type")
    if kind not in KINDS:
        raise invalid(f"Invalid email action link type requested: {kind[:50]}")
    purpose, verified_as = KINDS[kind]
    email, to = call.email(), destination(call)
    made = kind in ("signup", "magiclink") and await _make(call, email, kind)
    new = address(call.text("new_email")) if purpose in (Purpose.CHANGE_EMAIL_OLD, Purpose.CHANGE_EMAIL_NEW) else None
    data = {"path": VERIFY, "query": {"type": verified_as, "redirect_to": to}}
    try:
        link = await call.accounts.links.generate(
            purpose, email, actor, new_address=new, data=data, metadata=call.mapping("data"), bound=made
        )
    except RowNotFound as fault:
        raise AuthRefused(404, "user_not_found", "User with this email not found") from fault
    parts = {
        "action_link": link.url,
        "email_otp": link.issued.code,
        "hashed_token": link.issued.token,
        "verification_type": kind,
        "redirect_to": to,
    }
    return answer(await user_shown(call.accounts, link.user) | parts)


async def _make(call: Call, email: str, kind: str) -> bool:
    """Make the account that a link lets in, where there is none yet; tell whether there was none."""
    try:
        known = await call.accounts.administration.find_by(email)
    except RowNotFound:
        password = call.text("password") if kind == "signup" else None
        if password is not None:
            require_fit(password, email)
        new = NewAccount(email, password, verified=False, metadata=call.mapping("data"))
        await call.accounts.administration.create(new, await actor_of(call))
    else:
        if kind == "signup" and known.email_verified_at is not None:
            raise AuthRefused(422, "email_exists", "A user with this email address has already been registered")
        return False
    return True
