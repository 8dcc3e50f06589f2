"""What operators may write into accounts: whether it is fit, and its one spelling."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pellucid.auth.addresses import normal
from pellucid.auth.effort import work_of
from pellucid.auth.tables import User
from pellucid.database.caller import INTERNAL_ROLES
from pellucid.errors import Duplicate, Fault, InvalidFields

CHANGEABLE = frozenset({"email", "phone", "role", "user_metadata", "app_metadata"})


def fit_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The new values of an account's columns, each in its one spelling.

    Raises:
        InvalidFields: an address is none, or the role one that no request may take.
    """
    values = {name: value for name, value in changes.items() if name in CHANGEABLE}
    if values.get("email") is not None:
        values["email"] = fit_address(values["email"])
    if "role" in values:
        require_role(values["role"])
    return values


def apply(user: User, values: Mapping[str, Any], verified: bool | None, phone_verified: bool | None) -> bool:
    """Write the changes into an account, and tell whether its sessions prove too much or too little now."""
    ends = any(name in values and values[name] != getattr(user, name) for name in ("email", "role"))
    for name, value in values.items():
        setattr(user, name, value)
    if verified is not None:
        user.email_verified_at = (user.email_verified_at or datetime.now(UTC)) if verified else None
    if phone_verified is not None:
        user.phone_verified_at = (user.phone_verified_at or datetime.now(UTC)) if phone_verified else None
    return ends


def fit_address(address: str) -> str:
    """The one spelling of an address.

    Raises:
        InvalidFields: it is none.
    """
    try:
        return normal(address)
    except ValueError as fault:
        raise InvalidFields(str(fault), faults=(Fault("email", str(fault)),)) from fault


def require_role(role: str) -> None:
    """Go on only with a role that requests may take.

    Raises:
        InvalidFields: it is none of these.
    """
    if not role or role in INTERNAL_ROLES or role.startswith("pg_"):
        text = "No request may take this role."
        raise InvalidFields(text, faults=(Fault("role", text),))


def require_readable(hashed: str, *, both: bool) -> None:
    """Go on only with a hash that can be checked, and with a password beside it only where not ``both`` are there.

    Raises:
        InvalidFields: it cannot, or there are both.
    """
    words = (
        "Send a password or its hash, not both." if both else "This is no hash that can be read, or it costs too much."
    )
    if both or work_of(hashed) is None:
        raise InvalidFields(words, faults=(Fault("password_hash", words),))


def taken(name: str) -> Duplicate:
    """The refusal of what another account has already."""
    fault = Fault(name, f"An account with this {name} is there already.")
    return Duplicate(fault.message, sqlstate="23505", faults=(fault,))


@contextmanager
def told_apart() -> Iterator[None]:
    """Say in words which of the two that only one account may have is there already."""
    try:
        yield
    except Duplicate as fault:
        said = str(fault.__cause__)
        raise taken("id" if "users_pkey" in said else "phone" if "phone" in said else "email") from fault
