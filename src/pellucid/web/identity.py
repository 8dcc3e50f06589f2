"""Who is asking: the type, and the protocol that a feature fills."""

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Depends, Request, Security
from fastapi.security import OAuth2PasswordBearer
from msgspec import Struct, field
from starlette.types import Scope

from pellucid.database.caller import Caller
from pellucid.errors import Forbidden, RequestError, Unauthenticated, Unavailable
from pellucid.observe import Fact, Stage, observe
from pellucid.web import cookies
from pellucid.web.options import WebOptions
from pellucid.web.scopes import reads_only, require_scope
from pellucid.web.style import ErrorStyle, style_of

_POSTGREST = WebOptions().postgrest_prefixes


_READ_ONLY = (("transaction_read_only", "on"),)
"""PostgreSQL then refuses every write, and does not let the transaction change its mind."""


class Identity(Struct, frozen=True):
    """Who a request comes from.

    ``role`` is the PostgreSQL role its statements run under; ``claims`` is the verified payload of the access token (RFC 7519), empty
    for an anonymous caller; ``claims_json`` is the same as the JSON text that policies see.
    """

    role: str
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    claims_json: str = "{}"

    @property
    def authenticated(self) -> bool:
        """Whether a valid token came with the request."""
        return bool(self.claims)

    @property
    def user_id(self) -> UUID | None:
        """The account's id, where the token's subject is one."""
        try:
            return UUID(str(self.claims["sub"]))
        except (KeyError, ValueError):
            return None

    @property
    def assurance(self) -> str | None:
        """How well it was proved who asks: ``aal1``, or ``aal2`` with a second factor; None where no session is behind it."""
        level = self.claims.get("aal")
        return level if isinstance(level, str) else None

    @property
    def session_id(self) -> UUID | None:
        """The session behind the token or the cookie."""
        try:
            return UUID(str(self.claims["session_id"]))
        except (KeyError, ValueError):
            return None

    @property
    def read_only(self) -> bool:
        """Whether whoever asks may change nothing, whatever the role may: an API key for reading."""
        return reads_only(self.claims)

    @property
    def caller(self) -> Caller:
        """The same, as the database layer wants it."""
        return Caller(self.role, self.claims_json, _READ_ONLY if self.read_only else ())


class Identifier(Protocol):
    """Finds out who is asking. The accounts feature fills it."""

    async def identify(self, authorization: str | None) -> Identity:
        """Tell the identity behind an ``Authorization`` header; none means anonymous.

        Raises:
            Unauthenticated: the header is there and proves nothing.
        """
        ...


bearer = OAuth2PasswordBearer(
    tokenUrl="/token",
    description="Sign in with an account's e-mail address and password, or send an access token as `Authorization: Bearer`.",
    auto_error=False,
)
"""How OpenAPI speaks of access tokens (RFC 6750): it makes the Authorize button of ``/docs`` work."""


async def current_identity(request: Request, _: Annotated[str | None, Security(bearer)] = None) -> Identity:
    """Tell who is asking; found out once a request. Works as a FastAPI dependency and as a plain function.

    Raises:
        Unauthenticated: there is a token, and it proves nothing.
        TokenRequired: there is none, and nobody is anonymous.
        RequestError: there are several.
        Unavailable: the worker has not started yet.
    """
    state: dict[str, Any] = request.scope.setdefault("state", {})
    known: Identity | None = state.get("identity")
    if known is not None:
        return known
    with observe(Stage.IDENTITY) as span:
        identifier = _identifier(request)
        proof = _authorization(request.scope) or _cookie(request)
        identity = await identifier.identify(proof)
        require_scope(identity.claims, request.scope)
        if span.depth:
            span.note(**_facts(identity))
    state["identity"] = identity
    return identity


async def require_user(identity: Annotated[Identity, Depends(current_identity)]) -> Identity:
    """Tell who is asking, and refuse those who have not signed in.

    Raises:
        Unauthenticated: the caller is anonymous.
        Forbidden: the caller has a token, but no account.
    """
    if not identity.authenticated:
        raise Unauthenticated("This is for signed-in users.")
    if identity.user_id is None:
        raise Forbidden("This is for accounts, and the token belongs to none.", hint="Sign in as a user.")
    return identity


def _facts(identity: Identity) -> dict[str, Fact]:
    """Who asks. Of the claims no more than the names is told."""
    facts: dict[str, Fact] = {"role": identity.role, "claims": " ".join(sorted(identity.claims))}
    expires = identity.claims.get("exp")
    if isinstance(expires, int | float):
        facts["expires_in"] = round(expires - time.time(), 3)
    if identity.assurance is not None:
        facts["assurance"] = identity.assurance
    return facts


def _identifier(request: Request) -> Identifier:
    """The worker's own (`pellucid.web.resources`)."""
    resources = getattr(request.app.state, "pellucid", None)
    if resources is None:
        raise Unavailable("The server is not ready.")
    identifier: Identifier = resources.identifier
    return identifier


def _authorization(scope: Scope) -> str | None:
    """What proves who is asking: the one ``Authorization`` header, or without it the ``apikey`` that Supabase's clients send.

    A proxy may look at the first of two headers and a server at the last: neither is believed. PostgREST knows bearer tokens alone and
    passes over every other scheme, which a proxy in front may have asked for.
    """
    header = _single(scope, "Authorization")
    if header is not None and style_of(scope, _POSTGREST) is ErrorStyle.POSTGREST and not _bears(header):
        header = None
    if header is not None:
        return header
    key = _single(scope, "apikey")
    return f"Bearer {key}" if key else None


def _cookie(request: Request) -> str | None:
    """The cookie of a browser's session, where the request may be made with one."""
    plain = not getattr(request.app.state.pellucid, "production", False)
    secret = cookies.session_cookie(request.scope, plain=plain)
    if secret is None:
        return None
    cookies.require_same_origin(request.scope, plain=plain)
    return f"{cookies.SCHEME} {secret}"


def _single(scope: Scope, name: str) -> str | None:
    wanted = name.lower().encode()
    values = [value for header, value in scope["headers"] if header == wanted]
    if len(values) > 1:
        raise RequestError(f"The header {name} is there more than once.", hint="Send it once.")
    return values[0].decode("latin-1") if values else None


def _bears(authorization: str) -> bool:
    return authorization.partition(" ")[0].lower() == "bearer"
