"""Signing in with what people have elsewhere: the way there, and the way back."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from pellucid.auth import documents
from pellucid.auth.client import client_of
from pellucid.auth.native.answers import hand_cookie, sign_in_answer
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.native.flowcookie import browser_of, keep_browser
from pellucid.auth.native.refusals import refusal_page, told_page
from pellucid.auth.providers.flows import Flow
from pellucid.auth.providers.service import METHOD
from pellucid.auth.schemas import CodeEntry, ProvidersAnswer, SignInAnswer
from pellucid.auth.service import Accounts
from pellucid.auth.tables import User
from pellucid.errors import PellucidError
from pellucid.web.content import read_form

router = APIRouter(tags=["others' accounts"], route_class=AccountsRoute)

Name = Annotated[str, Path(max_length=64, description="The provider's name, as it was configured.")]
_ANSWERED = ("code", "state", "iss", "error", "error_description")
"""What a provider sends a browser back with (RFC 6749, 4.1.2; RFC 9207)."""
_PRIVATE = {**NEVER_KEPT, "Referrer-Policy": "no-referrer"}


@router.get("/login/providers", summary="Who people can sign in with")
async def list_providers(accounts: AccountsOfApp) -> ProvidersAnswer:
    """The names of the providers; a page has a button for each, which leads to `/login/{provider}`."""
    return ProvidersAnswer(providers=sorted(accounts.others.providers), anonymous=accounts.options.anonymous)


@router.get(
    "/login/{provider}",
    status_code=303,
    response_class=RedirectResponse,
    responses=documents.LEAVE,
    summary="Sign in with an account elsewhere",
)
async def leave(
    *,
    provider: Name,
    request: Request,
    accounts: AccountsOfApp,
    client: Client,
    redirect_to: Annotated[str | None, Query(max_length=2048, description="Where the browser goes in the end.")] = None,
    code_challenge: Annotated[
        str | None,
        Query(pattern="^[A-Za-z0-9_-]{43}$", description="S256: then the end is a code for `/login/code` (RFC 7636)."),
    ] = None,
) -> Response:
    """Send a browser to a provider. It comes back with a session cookie, or with a code for a program of its own."""
    begun = await accounts.others.begin(
        provider,
        f"/login/{provider}/callback",
        client=client,
        browser=browser_of(request, secure=accounts.options.secure),
        redirect_to=redirect_to,
        challenge=code_challenge,
        method="S256" if code_challenge else None,
    )
    response = RedirectResponse(begun.url, 303, _PRIVATE)
    keep_browser(response, begun.browser, secure=accounts.options.secure)
    return response


@router.get("/login/{provider}/callback", include_in_schema=False)
async def come_back(provider: Name, request: Request) -> Response:
    """Finish what `leave` began, in the same browser."""
    accounts = accounts_of(request)
    answer = {name: request.query_params[name] for name in _ANSWERED if name in request.query_params}
    flow: Flow | None = None
    try:
        browser = browser_of(request, secure=accounts.options.secure)
        flow = await accounts.others.flows.take(answer.get("state", ""), browser, provider)
        return await _arrived(request, accounts, flow, answer)
    except PellucidError as fault:
        if fault.status >= 500:
            raise
        if flow is not None and flow.redirect_to:
            return _sent(flow.redirect_to, error=type(fault).code, error_description=fault.message)
        return refusal_page(request, fault)


@router.post("/login/{provider}/callback", include_in_schema=False)
async def post_back(provider: Name, request: Request) -> Response:
    """The same for providers that answer with a form. Browsers bring no cookie along with another site's form, so it becomes a link."""
    fields = await read_form(request)
    query = urlencode({name: fields[name] for name in _ANSWERED if name in fields})
    return RedirectResponse(f"callback?{query}", 303, _PRIVATE)


@router.post("/login/code", responses=documents.PROVE, summary="Exchange a code for a session")
async def exchange(entry: CodeEntry, accounts: AccountsOfApp, response: Response, client: Client) -> SignInAnswer:
    """Get the tokens of a sign-in elsewhere that was begun with `code_challenge`, with the verifier of that challenge."""
    user_id = await accounts.others.flows.exchange(
        entry.code.get_secret_value(), entry.code_verifier.get_secret_value()
    )
    granted = await accounts.door.let_in(await accounts.door.user(user_id), METHOD, client=client)
    response.headers.update(NEVER_KEPT)
    return sign_in_answer(granted)


async def _arrived(request: Request, accounts: Accounts, flow: Flow, answer: dict[str, str]) -> Response:
    client = client_of(request)
    user = await accounts.others.finish(flow, answer, client)
    if flow.link is not None:
        return _sent(flow.redirect_to) if flow.redirect_to else told_page(request, "The two accounts are linked")
    if flow.challenge and flow.redirect_to:
        return _sent(flow.redirect_to, code=await accounts.others.flows.code(flow, user.id))
    return await _let_in(request, accounts, flow, user)


async def _let_in(request: Request, accounts: Accounts, flow: Flow, user: User) -> Response:
    granted = await accounts.door.let_in(user, METHOD, client=client_of(request), cookie=True)
    response = _sent(flow.redirect_to) if flow.redirect_to else told_page(request, "You are signed in")
    hand_cookie(granted, response, accounts)
    return response


def _sent(where: str, **query: str) -> Response:
    joined = f"{where}{'&' if '?' in where else '?'}{urlencode(query)}" if query else where
    return RedirectResponse(joined, 303, _PRIVATE)
