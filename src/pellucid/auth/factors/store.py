"""Factors in the database: finding them, adding them, and the statements that use them up, each of which looks and changes at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.orm import undefer

from pellucid.auth.factors.passkeys import Asserted, Registered, refused
from pellucid.auth.factors.tables import Credential, Factor
from pellucid.auth.tables import User
from pellucid.database.session import ReadSession, WriteSession
from pellucid.errors import Duplicate, Fault, RowNotFound, TooManyFactors

MOST = 20
"""Factors that one account can have, begun ones included."""

BEGUN_TOO_LONG_AGO = text("""
delete from auth.factors
where user_id = :user_id and verified_at is null and (name = :name or created_at < now() - interval '1 hour')
""")
"""A factor that was begun and never proved makes room for another try."""


async def factors_of(reading: ReadSession, user_id: UUID) -> Sequence[Factor]:
    """The factors of an account, begun ones included, the oldest first."""
    return (await reading.scalars(select(Factor).where(Factor.user_id == user_id).order_by(Factor.id))).all()


async def factor_of(reading: ReadSession, user_id: UUID, factor_id: UUID, *, secret: bool = False) -> Factor:
    """One factor of an account.

    Raises:
        RowNotFound: there is none of this id that is its own.
    """
    wanted = select(Factor).where(Factor.id == factor_id, Factor.user_id == user_id)
    found: Factor | None = (
        await reading.scalars(wanted.options(undefer(Factor.secret)) if secret else wanted)
    ).one_or_none()
    if found is None:
        raise missing()
    return found


async def passkeys_of(reading: ReadSession, user_id: UUID) -> Sequence[Credential]:
    """The proved passkeys of an account."""
    wanted = select(Credential).join(Factor, Factor.id == Credential.factor_id)
    return (await reading.scalars(wanted.where(Credential.user_id == user_id, Factor.verified_at.is_not(None)))).all()


async def passkey_of(reading: ReadSession, factor_id: UUID) -> Credential | None:
    """The passkey of a factor, where it has one already."""
    return (await reading.scalars(select(Credential).where(Credential.factor_id == factor_id))).one_or_none()


async def lock(writing: WriteSession, user_id: UUID) -> None:
    """Let others wait who change the factors of the same account."""
    await writing.execute(select(User.id).where(User.id == user_id).with_for_update())


async def begin(
    writing: WriteSession, user_id: UUID, kind: str, name: str | None, *, factor_id: UUID, secret: bytes | None = None
) -> Factor:
    """Add a factor that has yet to be proved.

    Raises:
        Duplicate: a factor of the account has this name.
        TooManyFactors: it has very many.
    """
    await lock(writing, user_id)
    await writing.execute(BEGUN_TOO_LONG_AGO, {"user_id": user_id, "name": name})
    others = await factors_of(writing, user_id)
    if len(others) >= MOST:
        raise TooManyFactors(f"An account can have {MOST} factors.")
    require_new_name(others, name)
    values = {"id": factor_id, "user_id": user_id, "kind": kind, "name": name, "secret": secret}
    return (await writing.scalars(insert(Factor).values(values).returning(Factor))).one()


def require_new_name(others: Sequence[Factor], name: str | None) -> None:
    """Go on only with a name that no other factor of the account has.

    Raises:
        Duplicate: one has.
    """
    if name is not None and any(other.name == name for other in others):
        fault = Fault("name", "A factor of yours has this name already.", "Choose another name.")
        raise Duplicate(fault.message, sqlstate="23505", hint=fault.hint, faults=(fault,))


async def activate(writing: WriteSession, factor: Factor) -> bool:
    """Let a factor count from now on; False where it did already."""
    changed = update(Factor).where(Factor.id == factor.id, Factor.verified_at.is_(None))
    values = {"verified_at": func.now(), "updated_at": func.now()}
    return await writing.scalar(changed.values(values).returning(Factor.id)) is not None


async def rename(writing: WriteSession, factor: Factor, name: str) -> Factor:
    """Give a factor another name."""
    changed = update(Factor).where(Factor.id == factor.id).values(name=name, updated_at=func.now()).returning(Factor)
    found = (await writing.scalars(changed, execution_options={"populate_existing": True})).one_or_none()
    if found is None:
        raise missing()
    return found


async def remove(writing: WriteSession, user_id: UUID, factor_id: UUID) -> Factor:
    """Remove a factor, and the passkey with it.

    Raises:
        RowNotFound: there is none of this id that is the account's.
    """
    gone = delete(Factor).where(Factor.id == factor_id, Factor.user_id == user_id).returning(Factor)
    found = (await writing.scalars(gone)).one_or_none()
    if found is None:
        raise missing()
    return found


async def use_step(writing: WriteSession, factor: Factor, step: int) -> None:
    """Use the code of a step up, and all older ones.

    Raises:
        FactorRefused: it was used before.
    """
    newer = or_(Factor.last_step.is_(None), Factor.last_step < step)
    used = update(Factor).where(Factor.id == factor.id, newer).values(last_step=step, last_used_at=func.now())
    await _require_one(writing, used.returning(Factor.id))


async def use_passkey(writing: WriteSession, passkey: Credential, proved: Asserted) -> None:
    """Note that a passkey signed. A counter that has not grown meanwhile is that of a copy.

    Raises:
        FactorRefused: that is so, or the passkey is gone.
    """
    grown = or_(Credential.sign_count < proved.sign_count, Credential.sign_count + proved.sign_count == 0)
    values = {"sign_count": proved.sign_count, "backed_up": proved.backed_up, "last_used_at": func.now()}
    used = update(Credential).where(Credential.id == passkey.id, grown).values(values)
    await _require_one(writing, used.returning(Credential.id))
    await writing.execute(update(Factor).where(Factor.id == passkey.factor_id).values(last_used_at=func.now()))


async def add_passkey(writing: WriteSession, factor: Factor, new: Registered) -> None:
    """Store a new passkey.

    Raises:
        FactorRefused: it is somebody's already (WebAuthn, 7.1, step 22), or the factor has one.
    """
    taken = or_(Credential.credential_id == new.credential_id, Credential.factor_id == factor.id)
    if await writing.scalar(select(Credential.id).where(taken)) is not None:
        raise refused()
    values = {
        "user_id": factor.user_id,
        "factor_id": factor.id,
        "credential_id": new.credential_id,
        "public_key": new.public_key,
        "sign_count": new.sign_count,
        "transports": new.transports,
        "aaguid": new.aaguid,
        "backup_eligible": new.backup_eligible,
        "backed_up": new.backed_up,
        "discoverable": new.discoverable,
    }
    await writing.execute(insert(Credential).values(values))
    await writing.execute(update(Factor).where(Factor.id == factor.id).values(last_used_at=func.now()))


def missing() -> RowNotFound:
    """The refusal of what is not there, or not the caller's."""
    return RowNotFound("There is no factor of this id that is yours.")


async def _require_one(writing: WriteSession, statement: Any) -> None:
    if await writing.scalar(statement) is None:
        raise refused()
