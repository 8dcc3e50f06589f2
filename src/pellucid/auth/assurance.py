"""How much a caller must have proved: that there is an account at all, and as much of it as the account can prove."""

from uuid import UUID

from sqlalchemy import text

from pellucid.auth.sessions.service import AAL2
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import Forbidden, StepUpRequired, Unauthenticated
from pellucid.web.identity import Identity

HAS_FACTOR = text("select exists (select from auth.factors where user_id = :user_id and verified_at is not null)")


def require_account(identity: Identity) -> UUID:
    """The account of a caller, for what only its owner may do.

    Raises:
        Unauthenticated: it has none.
        Forbidden: somebody else acts in its name.
    """
    if identity.user_id is None:
        raise Unauthenticated("This is for signed-in users.")
    if "act" in identity.claims:
        raise Forbidden("Only the owner of the account may do this, and somebody else acts in its name.")
    return identity.user_id


async def require_assurance(database: Database, identity: Identity) -> None:
    """Go on only where a session has proved as much as its account can: aal2 where it has a second factor.

    Raises:
        StepUpRequired: a second factor is missing.
    """
    if identity.assurance == AAL2:
        return
    async with database.read(ACCOUNTS) as reading:
        if await reading.scalar(HAS_FACTOR, {"user_id": identity.user_id}):
            raise StepUpRequired("This needs a second factor.")
