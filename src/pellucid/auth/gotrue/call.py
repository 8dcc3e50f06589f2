"""One request to ``/auth/v1``: its fields, who sent it, and where it wants to lead on to.

Cookies count for nothing here: whoever asks sends a token in ``Authorization``, so no page can borrow a visitor's session.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pellucid.auth.addresses import MAX_LENGTH, normal
from pellucid.auth.assurance import require_account, require_operator
from pellucid.auth.client import Client, client_of
from pellucid.auth.door import check_ban
from pellucid.auth.native.base import ENTRY, NEVER_KEPT, accounts_of, refuse_key
from pellucid.auth.service import Accounts
from pellucid.auth.tables import User
from pellucid.errors import (
    AuthRefused,
    Banned,
    Forbidden,
    MalformedBody,
    SessionEnded,
    StepUpRequired,
    Unauthenticated,
    WrongCredentials,
)
from pellucid.web.content import read_form, require_json
from pellucid.web.identity import Identity
from pellucid.web.limits import within
from pellucid.web.resources import resources_of
from pellucid.web.scopes import require_scope

_BEARER = re.compile(r"bearer (\S+)", re.IGNORECASE)
_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
SERVICE = "service_role"


class Call(Struct, frozen=True):
    """A request, with the members of its body. A member that is null is not there."""

    request: Request
    accounts: Accounts
    client: Client
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A member that is text; empty where it is not there.

        Raises:
            MalformedBody: it is something else.
        """
        return str(self._member(name, str, ""))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A member that is true or false."""
        return bool(self._member(name, bool, default))

    def mapping(self, name: str) -> dict[str, Any] | None:
        """A member that is an object; None where it is not there."""
        found = self._member(name, dict, None)
        return None if found is None else dict(found)

    def _member(self, name: str, kind: type, default: Any) -> Any:
        value = self.fields.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise MalformedBody(f"Could not parse request body as JSON: {name} is of another type")
        return value

    def email(self, name: str = "email") -> str:
        """An e-mail address in its one spelling.

        Raises:
            AuthRefused: it is none.
        """
        return address(self.text(name))

    def asked(self, name: str) -> str:
        """A parameter of the query; empty where it is not there."""
        return str(self.request.query_params.get(name, ""))

    async def identity(self) -> Identity:
        """Who sent the token of this request.

        Raises:
            AuthRefused: there is no token, it is not good, or its session has ended.
            Forbidden: it is an API key, which is for something else.
        """
        headers = self.request.headers.getlist("authorization")
        bearer = _BEARER.fullmatch(headers[0]) if len(headers) == 1 else None
        if bearer is None:
            raise AuthRefused(401, "no_authorization", "This endpoint requires a valid Bearer token")
        try:
            found = await resources_of(self.request).identifier.identify(f"Bearer {bearer[1]}")
        except SessionEnded as fault:
            raise AuthRefused(
                403, "session_not_found", "Session from session_id claim in JWT does not exist"
            ) from fault
        except Unauthenticated as fault:
            words = f"invalid JWT: unable to parse or verify signature, {fault.message}"
            raise AuthRefused(403, "bad_jwt", words) from fault
        require_scope(found.claims, self.request.scope)
        refuse_key(found, self.request.method)
        self.request.scope.setdefault("state", {})["identity"] = found
        return found

    async def signed_in(self) -> tuple[Identity, User]:
        """Who sent the token, and the account.

        Raises:
            AuthRefused: as with `identity`, or there is no account behind it, or it is banned.
        """
        identity = await self.identity()
        if identity.user_id is None:
            raise AuthRefused(403, "bad_jwt", "invalid claim: missing sub claim")
        try:
            user = await self.accounts.door.user(identity.user_id)
            check_ban(user)
        except WrongCredentials as fault:
            raise AuthRefused(403, "user_not_found", "User from sub claim in JWT does not exist") from fault
        except Banned as fault:
            raise AuthRefused(403, "user_banned", "User is banned") from fault
        return identity, user

    async def owner(self) -> tuple[Identity, User]:
        """The same, and nobody else who acts in the name of the account.

        Raises:
            AuthRefused: as with `signed_in`.
            Forbidden: somebody else acts.
        """
        identity, user = await self.signed_in()
        require_account(identity)
        return identity, user

    async def service(self) -> Identity:
        """Go on only for the service.

        Raises:
            AuthRefused: somebody else asks.
            Forbidden: somebody acts in the name of the account behind the token.
            StepUpRequired: that account has a second factor, and the session has not proved it.
        """
        identity = await self.identity()
        try:
            await require_operator(self.accounts.database, identity)
        except StepUpRequired:
            raise
        except Forbidden as fault:
            if identity.role == SERVICE:
                raise
            raise AuthRefused(403, "not_admin", "User not allowed") from fault
        return identity


Handler = Callable[[Call], Awaitable[Response]]


async def call_of(request: Request, *, form: bool = False) -> Call:
    """Read a request. Its body is small, and JSON where there is one; or a ``form``.

    Raises:
        RequestError: it is not.
        FeatureOff: the database has no room for accounts.
    """
    accounts = accounts_of(request)
    limited = within(ENTRY, request)
    if form:
        return Call(request, accounts, client_of(request), await read_form(limited))
    body = await limited.body()
    return Call(request, accounts, client_of(request), _fields(request, body) if body else {})


def _fields(request: Request, body: bytes) -> dict[str, Any]:
    require_json(request.headers)
    if b"\\u0000" in body:
        raise MalformedBody("Could not parse request body as JSON: a NUL character cannot be stored")
    try:
        return _OBJECT.validate_json(body)
    except ValidationError:
        raise MalformedBody("Could not parse request body as JSON: it is no object") from None


def address(text: str) -> str:
    """An e-mail address in its one spelling.

    Raises:
        AuthRefused: it is none.
    """
    try:
        return normal(text[: MAX_LENGTH + 1])
    except ValueError:
        raise invalid("Unable to validate email address: invalid format") from None


def invalid(message: str) -> AuthRefused:
    """What was sent makes no sense here."""
    return AuthRefused(400, "validation_failed", message)


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer that nobody keeps."""
    return JSONResponse(content, status, {**NEVER_KEPT, **(headers or {})})
