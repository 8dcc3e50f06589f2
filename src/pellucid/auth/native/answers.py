"""What the native routes answer with, made of what the services give."""

from uuid import UUID

from fastapi import Response

from pellucid.auth.native.base import NEVER_KEPT
from pellucid.auth.schemas import BrowserAnswer, SessionAnswer, SignInAnswer, UserAnswer
from pellucid.auth.service import Accounts
from pellucid.auth.sessions.cookies import set_cookie
from pellucid.auth.sessions.service import Granted
from pellucid.auth.sessions.tables import Session


def sign_in_answer(granted: Granted) -> SignInAnswer:
    """Tokens, and the account that they are for."""
    return SignInAnswer(
        access_token=granted.access.text,
        expires_in=granted.access.expires_in,
        refresh_token=granted.refresh_token or "",
        user=UserAnswer.model_validate(granted.user),
    )


def granted_answer(granted: Granted, response: Response, accounts: Accounts) -> SignInAnswer | BrowserAnswer:
    """A session in the shape in which it is proved: tokens, or a cookie. The response must not be kept."""
    response.headers.update(NEVER_KEPT)
    if granted.cookie is not None:
        return browser_answer(granted, response, accounts)
    return sign_in_answer(granted)


def session_answer(session: Session, current: UUID | None) -> SessionAnswer:
    """A session as its account sees it."""
    return SessionAnswer(
        id=session.id,
        current=session.id == current,
        aal=session.aal,
        address=session.address,
        agent=session.agent,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        ends_at=session.ends_at,
    )


def browser_answer(granted: Granted, response: Response, accounts: Accounts) -> BrowserAnswer:
    """A session of a browser; its cookie goes into the response."""
    hand_cookie(granted, response, accounts)
    session = session_answer(granted.session, granted.session.id)
    return BrowserAnswer(session=session, user=UserAnswer.model_validate(granted.user))


def hand_cookie(granted: Granted, response: Response, accounts: Accounts) -> None:
    """Put the cookie of a session into a response, where it has one."""
    options = accounts.options
    if granted.cookie is not None:
        set_cookie(response, granted.cookie, seconds=options.sessions.absolute, secure=options.secure)
