"""``/authorize``, ``/callback`` and ``/user/identities``: signing in with others' accounts, and linking them."""

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from pellucid.auth.gotrue import pkce, redirects
from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.shapes import session_members
from pellucid.auth.native.base import NEVER_KEPT
from pellucid.auth.providers.flows import Flow
from pellucid.auth.providers.service import METHOD, Begun
from pellucid.errors import AuthRefused, LastWayIn, NotLinked, PellucidError, ProofRefused, RowNotFound, UnknownProvider
from pellucid.web.cookies import ELSEWHERE
from pellucid.web.style import AUTH_PREFIX

SECONDS = 600
CALLBACK = f"{AUTH_PREFIX}/callback"


async def authorize(call: Call) -> Response:
    """``GET /authorize?provider=…``: send a browser to a provider. The sign-in belongs to this browser: it gets a cookie."""
    begun = await _begin(call, None)
    return remember(call, RedirectResponse(begun.url, 302, NEVER_KEPT), begun.browser)


async def link(call: Call) -> Response:
    """``GET /user/identities/authorize?provider=…``: the same, to link what is there to the account that asks."""
    identity, user = await call.owner()
    await call.accounts.require_assurance(identity)
    begun = await _begin(call, user.id)
    if call.asked("skip_http_redirect").lower() == "true":
        return remember(call, answer({"url": begun.url}), begun.browser)
    return remember(call, RedirectResponse(begun.url, 302, NEVER_KEPT), begun.browser)


async def come_back(call: Call) -> Response:
    """``POST /callback``: the same from providers that post a form across sites, which brings no cookie: on to ``GET``, which does."""
    return RedirectResponse(f"{CALLBACK}?{urlencode(call.fields)}", 303, NEVER_KEPT)


async def callback(call: Call) -> Response:
    """``GET /callback``: a browser comes back from a provider, and is sent on with a session, a code, or what went wrong."""
    given = dict(call.request.query_params)
    try:
        flow = await call.accounts.others.flows.take(given.get("state", ""), browser_of(call))
    except ProofRefused:
        fault = AuthRefused(400, "bad_oauth_state", "OAuth state is not good, or belongs to another browser")
        return redirects.with_error(call.accounts.options.site, fault, pkce=True)
    to = str(flow.data.get("to", call.accounts.options.site))
    try:
        return await _led_on(call, flow, given, to)
    except PellucidError as fault:
        if fault.status >= 500:
            raise
        return redirects.with_error(to, _told(fault, flow), pkce=flow.challenge is not None)


async def unlink(call: Call) -> Response:
    """``DELETE /user/identities/{id}``: have an account elsewhere sign in here no more."""
    identity, user = await call.owner()
    await call.accounts.require_assurance(identity)
    try:
        key = UUID(call.request.path_params["identity_id"])
    except ValueError:
        raise AuthRefused(404, "validation_failed", "identity_id must be an UUID") from None
    try:
        await call.accounts.others.unlink(user.id, key, call.client)
    except RowNotFound as fault:
        raise AuthRefused(422, "identity_not_found", "Identity doesn't exist") from fault
    except LastWayIn as fault:
        words = "User must have at least 1 identity after unlinking"
        raise AuthRefused(422, "single_identity_not_deletable", words) from fault
    return answer({})


async def _begin(call: Call, user_id: UUID | None) -> Begun:
    challenge = pkce.challenge_in(call.asked("code_challenge"), call.asked("code_challenge_method"))
    provider = call.asked("provider")
    try:
        return await call.accounts.others.begin(
            provider,
            CALLBACK,
            client=call.client,
            browser=browser_of(call),
            link=user_id,
            challenge=challenge,
            method="S256" if challenge else None,
            data={"to": redirects.destination(call)},
        )
    except UnknownProvider as fault:
        raise invalid("Unsupported provider: provider is not enabled") from fault


async def _led_on(call: Call, flow: Flow, given: Mapping[str, str], to: str) -> Response:
    user = await call.accounts.others.finish(flow, given, call.client)
    if flow.challenge is not None:
        return redirects.with_code(to, await call.accounts.others.flows.code(flow, user.id))
    granted = await call.accounts.door.let_in(user, METHOD, client=call.client)
    return redirects.with_session(to, session_members(granted))


def browser_of(call: Call) -> str | None:
    """The secret of this browser, from its cookie."""
    return call.request.cookies.get(_cookie(call))


def remember(call: Call, response: Response, secret: str) -> Response:
    """Have a browser keep its secret for as long as a sign-in elsewhere may take."""
    secure = call.accounts.options.secure
    response.set_cookie(_cookie(call), secret, max_age=SECONDS, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def _cookie(call: Call) -> str:
    return f"__Host-{ELSEWHERE}" if call.accounts.options.secure else ELSEWHERE


def _told(fault: PellucidError, flow: Flow) -> PellucidError:
    """The same, in the words for linking where that was meant."""
    if isinstance(fault, NotLinked) and flow.link is not None:
        return AuthRefused(422, "identity_already_exists", "Identity is already linked to another user")
    return fault
