"""Users' own Python around sign-up, sign-in and tokens. A hook is a plain or a coroutine function.

    app = Pellucid()

    @app.hooks.before_sign_up
    async def only_colleagues(entry: SignUpEntry) -> None:
        if not entry.email.endswith("@example.com"):
            raise Forbidden("Only colleagues may sign up.")

    @app.hooks.claims
    def team(user: User, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"team": user.app_metadata.get("team")}

What a *before* hook raises refuses what was asked: a `PellucidError` is the answer, anything else a 500. An *after* hook runs when all is
committed; what it raises is logged and changes nothing for the caller.
"""

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct, field

from pellucid.auth.client import NOBODY, Client
from pellucid.auth.tables import User
from pellucid.database.session import WriteSession

H = TypeVar("H", bound=Callable[..., Any])
RESERVED = frozenset(
    {
        "iss",
        "aud",
        "sub",
        "act",
        "role",
        "iat",
        "exp",
        "nbf",
        "jti",
        "session_id",
        "key_id",
        "scopes",
        "aal",
        "amr",
        "is_anonymous",
        "email",
        "phone",
    }
)
"""Claims that only Pellucid itself writes: a hook that could change them could make anybody of anyone."""
log = logging.getLogger(__name__)


class SignUpEntry(Struct, frozen=True):
    """Who wants an account: the address (None for anonymous accounts and phones), how (``password``, ``link``, ``anonymous``, the name
    of a provider, ``admin``), and from where."""

    email: str | None
    method: str
    client: Client = NOBODY
    metadata: Mapping[str, Any] = field(default_factory=dict)


class SignInEntry(Struct, frozen=True):
    """Whose account was proved, how, and from where. ``before_sign_in`` gets it when the proof is good and no session is open yet."""

    user: User
    method: str
    client: Client = NOBODY


class Hooks:
    """The hooks of one application, in the order in which they were registered."""

    def __init__(self) -> None:
        self._before_sign_up: list[Callable[..., Any]] = []
        self._after_sign_up: list[Callable[..., Any]] = []
        self._before_sign_in: list[Callable[..., Any]] = []
        self._after_sign_in: list[Callable[..., Any]] = []
        self._claims: list[Callable[..., Any]] = []
        self._exports: list[Callable[..., Any]] = []
        self._erases: list[Callable[..., Any]] = []

    def before_sign_up(self, hook: H) -> H:
        """Call ``hook(entry: SignUpEntry)`` before an account is made."""
        return _kept(self._before_sign_up, hook)

    def after_sign_up(self, hook: H) -> H:
        """Call ``hook(user: User)`` when an account was made."""
        return _kept(self._after_sign_up, hook)

    def before_sign_in(self, hook: H) -> H:
        """Call ``hook(entry: SignInEntry)`` before a session is opened."""
        return _kept(self._before_sign_in, hook)

    def after_sign_in(self, hook: H) -> H:
        """Call ``hook(entry: SignInEntry)`` when a session was opened."""
        return _kept(self._after_sign_in, hook)

    def claims(self, hook: H) -> H:
        """Add what ``hook(user: User, claims)`` returns to the claims of each new access token; `RESERVED` ones stay as they are."""
        return _kept(self._claims, hook)

    def exports(self, hook: H) -> H:
        """Add what ``hook(user: User, session: WriteSession)`` returns, a mapping of JSON, to the export of a person's data. The session
        has the role ``service_role`` and belongs to a transaction that goes on: it is not to be committed."""
        return _kept(self._exports, hook)

    def erases(self, hook: H) -> H:
        """Call ``hook(user: User, session: WriteSession)`` when a person's data is erased, before the account goes; the session as with
        `exports`. What it raises refuses the whole."""
        return _kept(self._erases, hook)

    # -- for the services -----------------------------------------------------------------------------------------------

    async def signing_up(self, entry: SignUpEntry) -> None:
        """Ask the hooks before an account is made."""
        for hook in self._before_sign_up:
            await _called(hook, entry)

    async def signed_up(self, user: User) -> None:
        """Tell the hooks that an account was made and committed."""
        await _told(self._after_sign_up, user)

    async def signing_in(self, entry: SignInEntry) -> None:
        """Ask the hooks before a session is opened."""
        for hook in self._before_sign_in:
            await _called(hook, entry)

    async def signed_in(self, entry: SignInEntry) -> None:
        """Tell the hooks that a session was opened and committed."""
        await _told(self._after_sign_in, entry)

    async def add_claims(self, user: User, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims of a new token, with what the hooks add."""
        for hook in self._claims:
            added = await _called(hook, user, dict(claims)) or {}
            claims |= {name: value for name, value in added.items() if name not in RESERVED}
        return claims

    async def exported(self, user: User, session: WriteSession) -> dict[str, Any]:
        """What the application knows of a person."""
        found: dict[str, Any] = {}
        for hook in self._exports:
            found |= await _called(hook, user, session) or {}
        return found

    async def erased(self, user: User, session: WriteSession) -> None:
        """Have the application erase what it knows of a person."""
        for hook in self._erases:
            await _called(hook, user, session)


def _kept(hooks: list[Callable[..., Any]], hook: H) -> H:
    hooks.append(hook)
    return hook


async def _called(hook: Callable[..., Any], *args: Any) -> Any:
    result = hook(*args)
    return await result if inspect.isawaitable(result) else result


async def _told(hooks: list[Callable[..., Any]], *args: Any) -> None:
    for hook in hooks:
        try:
            await _called(hook, *args)
        except Exception:
            log.exception("A hook of the application failed; what it was told of has happened all the same.")
