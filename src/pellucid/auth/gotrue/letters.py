"""Mails whose links lead to ``/auth/v1/verify``: a link or a code to sign in, recovery, another verification."""

from typing import Any

from starlette.responses import Response

from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.pkce import challenge_of
from pellucid.auth.gotrue.redirects import destination
from pellucid.auth.onetime import Purpose
from pellucid.errors import AuthRefused, TooManyAttempts
from pellucid.web.style import AUTH_PREFIX

VERIFY = f"{AUTH_PREFIX}/verify"


def letter(call: Call, kind: str) -> dict[str, Any]:
    """What a mail of this request needs: where its link leads, and the challenge of whoever is to get a code instead of a session.

    Raises:
        AuthRefused: the challenge is none.
    """
    query = {"type": kind, "redirect_to": destination(call)}
    challenge = challenge_of(call)
    if challenge is None:
        return {"path": VERIFY, "query": query}
    return {"path": VERIFY, "query": query | {"flow": "pkce"}, "challenge": challenge}


async def otp(call: Call) -> Response:
    """``POST /otp``: have a mail sent that signs in; by default it makes an account where there is none. The answer is the same for all."""
    if call.text("email") and call.text("phone"):
        raise invalid("Only an email address or phone number should be provided")
    if call.text("email") and call.text("channel"):
        raise invalid("Channel should only be specified with Phone OTP")
    if call.text("phone"):
        raise no_phone()
    if not call.text("email"):
        raise invalid("One of email or phone must be set")
    return await _sign_in(call, create=call.flag("create_user", default=True))


async def magic_link(call: Call) -> Response:
    """``POST /magiclink``: the same, by its older name."""
    if not call.text("email"):
        raise AuthRefused(422, "validation_failed", "Password recovery requires an email")
    return await _sign_in(call, create=True)


async def recover(call: Call) -> Response:
    """``POST /recover``: have a mail sent that lets its reader choose another password."""
    if not call.text("email"):
        raise invalid("Password recovery requires an email")
    return await ask(call, Purpose.RECOVER, call.email(), letter(call, "recovery"))


async def resend(call: Call) -> Response:
    """``POST /resend``: have the verification of an address sent once more."""
    match call.text("type"):
        case "signup":
            if not call.text("email"):
                raise invalid("Type provided requires an email address")
            return await ask(call, Purpose.VERIFY, call.email(), letter(call, "signup"))
        case "email_change":
            raise invalid("Ask for the change again with PUT /user, which sends both mails anew")
        case "sms" | "phone_change":
            raise no_phone()
        case _:
            raise invalid("Missing one of these types: signup, email_change, sms, phone_change")


async def ask(call: Call, purpose: Purpose, address: str, data: dict[str, Any]) -> Response:
    """Have a mail sent, if there is anybody to send it to.

    Raises:
        AuthRefused: too many were asked for.
    """
    with mails_limited():
        await call.accounts.mailed.ask(purpose, address, call.client, data)
    return answer({})


class mails_limited:  # noqa: N801 - reads as what it does
    """Tells of limits on mails in the words for those."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _kind: object, fault: BaseException | None, _trace: object) -> None:
        """Translate.

        Raises:
            AuthRefused: too many mails were asked for.
        """
        if isinstance(fault, TooManyAttempts):
            words = "For security purposes, you can only request this after some time."
            if wait := fault.headers.get("Retry-After"):
                words = f"For security purposes, you can only request this after {wait} seconds."
            raise AuthRefused(429, "over_email_send_rate_limit", words, headers=fault.headers) from fault


def no_phone() -> AuthRefused:
    """Nothing is sent to telephones."""
    return AuthRefused(400, "phone_provider_disabled", "Unsupported phone provider")


async def _sign_in(call: Call, *, create: bool) -> Response:
    data = letter(call, "magiclink") | {"create": create, "metadata": call.mapping("data") or {}}
    return await ask(call, Purpose.SIGN_IN, call.email(), data)
