"""``/signup`` and ``/token``: how a session begins and goes on."""

from pydantic import SecretStr
from starlette.responses import Response

from pellucid.auth.gotrue import idtokens, pkce
from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.letters import letter
from pellucid.auth.gotrue.passwords import require_fit
from pellucid.auth.gotrue.shapes import pending_user, session_shown
from pellucid.auth.limits import CODE
from pellucid.auth.passwords import MAX_BYTES
from pellucid.auth.schemas import SignIn, SignUp
from pellucid.errors import AuthRefused, Banned, Duplicate, SessionEnded


async def sign_up(call: Call) -> Response:
    """``POST /signup``: with an address and a password. Where addresses are verified, the answer shows an account and no session, and
    tells nobody whether the address was known before."""
    if call.text("email") and call.text("phone"):
        raise invalid("Only an email address or phone number should be provided on signup.")
    if call.text("phone"):
        raise AuthRefused(400, "phone_provider_disabled", "Phone signups are disabled")
    if not call.text("email"):
        return await _anonymously(call)
    if not call.text("password"):
        raise invalid("Signup requires a valid password")
    require_fit(call.text("password"), call.text("email"))
    entry = SignUp(email=call.email(), password=SecretStr(call.text("password")), metadata=call.mapping("data") or {})
    try:
        user = await call.accounts.sign_up(entry, call.client, letter(call, "signup"))
    except Duplicate as fault:
        raise AuthRefused(422, "user_already_exists", "User already registered") from fault
    if call.accounts.options.verify_email or user is None:
        return answer(pending_user(entry.email, entry.metadata))
    granted = await call.accounts.door.let_in(user, "password", client=call.client)
    return answer(await session_shown(call.accounts, granted))


async def _anonymously(call: Call) -> Response:
    if not call.accounts.options.anonymous:
        raise AuthRefused(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    granted = await call.accounts.anonymous.sign_up(call.client, call.mapping("data"))
    return answer(await session_shown(call.accounts, granted))


async def token(call: Call) -> Response:
    """``POST /token?grant_type=…``."""
    match call.asked("grant_type"):
        case "password":
            return await _by_password(call)
        case "refresh_token":
            return await _by_refresh_token(call)
        case "pkce":
            return await _by_code(call)
        case "id_token":
            return await idtokens.sign_in(call)
        case _:
            raise AuthRefused(400, "invalid_credentials", "unsupported_grant_type")


async def _by_password(call: Call) -> Response:
    if call.text("email") and call.text("phone"):
        raise invalid("Only an email address or phone number should be provided on login.")
    if call.text("phone"):
        raise AuthRefused(422, "phone_provider_disabled", "Phone logins are disabled")
    if not call.text("email"):
        raise invalid("missing email or phone")
    password = call.text("password")
    if len(password) > MAX_BYTES:
        raise AuthRefused(400, "invalid_credentials", "Invalid login credentials")
    entry = SignIn(email=call.text("email")[:254], password=SecretStr(password))
    try:
        granted = await call.accounts.sign_in(entry, call.client)
    except Banned as fault:
        raise AuthRefused(400, "user_banned", "User is banned") from fault
    return answer(await session_shown(call.accounts, granted))


async def _by_refresh_token(call: Call) -> Response:
    try:
        granted = await call.accounts.sessions.refresh(call.text("refresh_token"), call.client)
    except SessionEnded as fault:
        words = "Invalid Refresh Token: Refresh Token Not Found"
        raise AuthRefused(400, "refresh_token_not_found", words) from fault
    except Banned as fault:
        raise AuthRefused(400, "user_banned", "Invalid Refresh Token: User Banned") from fault
    return answer(await session_shown(call.accounts, granted))


async def _by_code(call: Call) -> Response:
    code, verifier = call.text("auth_code"), call.text("code_verifier")
    if not code or not verifier:
        raise invalid("invalid request: both auth code and code verifier should be non-empty")
    await call.accounts.limits.admit(CODE, None, call.client)
    found = await pkce.take(call.accounts.database, code, verifier)
    user = await call.accounts.door.user(found["user_id"])
    granted = await call.accounts.door.let_in(user, found["method"], client=call.client)
    return answer(await session_shown(call.accounts, granted))
