"""How much a caller must have proved: that there is an account at all, and as much of it as the account can prove."""

from uuid import UUID

from sqlalchemy import text

from pellucid.auth.sessions.service import AAL2, OPERATOR
from pellucid.auth.sessions.statements import HAS_FACTOR
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import Forbidden, StepUpRequired, Unauthenticated
from pellucid.web.identity import Identity

IS_OPERATOR = text("select exists (select from auth.users where id = :user_id and role = :role)")


def require_account(identity: Identity) -> UUID:
    """The account of a caller, for what only its owner may do.

    Raises:
        Unauthenticated: it has none.
        Forbidden: somebody else acts in its name, or a program with a key.
    """
    if identity.user_id is None:
        raise Unauthenticated("This is for signed-in users.")
    if "key_id" in identity.claims:
        raise Forbidden("An API key is not enough for this.", hint="Sign in as the account itself.")
    if "act" in identity.claims:
        raise Forbidden("Only the owner of the account may do this, and somebody else acts in its name.")
    return identity.user_id


def require_session(identity: Identity) -> tuple[UUID, UUID]:
    """The account of a caller, and the session that it came with. Nobody else may act in its name here.

    Raises:
        Unauthenticated: there is no account.
        Forbidden: there is no session, or somebody else acts in the name of the account (RFC 8693, 4.1).
    """
    user_id = require_account(identity)
    if identity.session_id is None:
        raise Forbidden(
            "This needs a session.", hint="Sign in, and send the access token or the cookie of the session."
        )
    if "act" in identity.claims:
        raise Forbidden("Nobody can do this in the name of another.", hint="Let the account itself sign in.")
    return user_id, identity.session_id


async def require_assurance(database: Database, identity: Identity) -> None:
    """Go on only where a session has proved as much as its account can: aal2 where it has a second factor.

    Raises:
        StepUpRequired: a second factor is missing.
    """
    if identity.assurance == AAL2:
        return
    async with database.read(ACCOUNTS) as reading:
        if await reading.scalar(HAS_FACTOR, {"user_id": identity.user_id}):
            raise step_up_required()


async def require_operator(database: Database, identity: Identity) -> None:
    """Go on with a token of `OPERATOR` that belongs to no account, or with an account of this role that acts itself and has proved all that
    it can.

    Raises:
        Forbidden: the caller has another role, or acts in the name of the account (RFC 8693, 4.1).
        StepUpRequired: the account has the role, and a second factor is missing.
    """
    if identity.role != OPERATOR:
        await _require_proof_of_role(database, identity)
    await require_itself(database, identity)


async def require_itself(database: Database, identity: Identity) -> None:
    """Go on with a token that belongs to no account, or with an account that acts itself and has proved all that it can.

    Raises:
        Forbidden: somebody acts in the name of the account (RFC 8693, 4.1).
        StepUpRequired: a second factor is missing.
    """
    if "act" in identity.claims:
        raise Forbidden("Nobody can do this in the name of another.", hint="Sign in as yourself.")
    if identity.user_id is not None:
        await require_assurance(database, identity)


async def _require_proof_of_role(database: Database, identity: Identity) -> None:
    """Refuse a caller without the role: with the way to it where its account has the role and the session has not earned it yet."""
    if identity.session_id is not None and "act" not in identity.claims:
        async with database.read(ACCOUNTS) as reading:
            if await reading.scalar(IS_OPERATOR, {"user_id": identity.user_id, "role": OPERATOR}):
                raise step_up_required()
    raise Forbidden("This is for operators.", hint=f"Use a token of the role {OPERATOR}.")


def step_up_required() -> StepUpRequired:
    """The refusal of a session that has proved too little."""
    return StepUpRequired("This needs a second factor.")
