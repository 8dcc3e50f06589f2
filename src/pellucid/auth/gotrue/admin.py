"""``/admin``, ``/invite``: what the service does with the accounts of others. Each of these needs a token of the role ``service_role``."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from pellucid.auth.admin.service import FOREVER, Actor, NewAccount
from pellucid.auth.effort import work_of
from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.factors import factor_id, told
from pellucid.auth.gotrue.passwords import require_fit
from pellucid.auth.gotrue.shapes import user_shown, users_shown
from pellucid.auth.gotrue.user import merged
from pellucid.auth.tables import User
from pellucid.errors import AuthRefused, Duplicate, RowNotFound

PAGE = 50
MOST = 1000
_SPAN = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


async def actor_of(call: Call) -> Actor:
    """The service that asks.

    Raises:
        AuthRefused: it is somebody else.
    """
    identity = await call.service()
    return Actor(identity.user_id, call.client)


async def users(call: Call) -> Response:
    """``GET /admin/users?page=&per_page=``: the accounts, with how many there are in ``X-Total-Count`` and the pages in ``Link``."""
    await actor_of(call)
    page, size = _number(call, "page", 1), min(_number(call, "per_page", PAGE), MOST)
    found, total = await call.accounts.administration.page(size, (page - 1) * size)
    headers = {"X-Total-Count": str(total), "Link": _pages(call, page, size, total)}
    return answer({"users": await users_shown(call.accounts, found), "aud": "authenticated"}, headers=headers)


async def read(call: Call) -> Response:
    """``GET /admin/users/{id}``."""
    await actor_of(call)
    return answer(await user_shown(call.accounts, await call.accounts.administration.find(user_id(call))))


async def create(call: Call) -> Response:
    """``POST /admin/users``: make an account; no mail is sent."""
    actor = await actor_of(call)
    if not call.text("email") and not call.text("phone"):
        raise invalid("Cannot create a user without either an email or phone")
    hashed = call.text("password_hash") or None
    if hashed is not None and (call.text("password") or work_of(hashed) is None):
        both = "Only a password or a password hash should be provided"
        raise invalid(both if call.text("password") else "The password hash cannot be read, or costs too much")
    until = banned_until(call.text("ban_duration"))
    email = call.email() if call.text("email") else None
    if call.text("password"):
        require_fit(call.text("password"), email)
    new = NewAccount(
        email,
        call.text("password") or None,
        call.flag("email_confirm"),
        call.text("role") or "authenticated",
        call.text("phone") or None,
        call.mapping("user_metadata"),
        call.mapping("app_metadata"),
        hashed,
        _chosen_id(call),
    )
    try:
        user = await call.accounts.administration.create(new, actor)
    except Duplicate as fault:
        if fault.faults and fault.faults[0].field == "id":
            raise invalid(fault.message) from fault
        raise
    if until is not None:
        user = await call.accounts.administration.ban(user.id, until, actor)
    return answer(await user_shown(call.accounts, user))


async def change(call: Call) -> Response:
    """``PUT /admin/users/{id}``: change an account. Metadata are laid over those that are there."""
    actor, administration = await actor_of(call), call.accounts.administration
    user = await administration.find(user_id(call))
    span = call.text("ban_duration")
    until = banned_until(span)
    values = {name: call.text(name) for name in ("role", "phone") if call.text(name)}
    if call.text("email"):
        values["email"] = call.email()
    password = call.text("password") or None
    if password is not None:
        require_fit(password, values.get("email", user.email))
    user = await administration.change(
        user.id,
        values | _metadata(call, user),
        actor,
        password=password,
        verified=True if call.flag("email_confirm") else None,
        phone_verified=True if call.flag("phone_confirm") else None,
    )
    if until is not None:
        user = await administration.ban(user.id, until, actor)
    elif span:
        user = await administration.unban(user.id, actor)
    return answer(await user_shown(call.accounts, user))


async def delete(call: Call) -> Response:
    """``DELETE /admin/users/{id}``: delete an account."""
    actor = await actor_of(call)
    if call.flag("should_soft_delete"):
        raise invalid("Accounts are deleted for good here; should_soft_delete must be false")
    await call.accounts.administration.delete(user_id(call), actor)
    return answer({})


async def factors(call: Call) -> Response:
    """``GET /admin/users/{id}/factors``: the second factors of an account."""
    await actor_of(call)
    user = await call.accounts.administration.find(user_id(call))
    return answer((await user_shown(call.accounts, user)).get("factors", []))


async def drop_factor(call: Call) -> Response:
    """``DELETE /admin/users/{id}/factors/{factor_id}``: remove one of them; all sessions of the account end."""
    actor, user = await actor_of(call), user_id(call)
    key = factor_id(call)
    try:
        await call.accounts.factors.discard(user, key, call.client, actor_id=actor.id)
    except RowNotFound as fault:
        raise AuthRefused(404, "mfa_factor_not_found", "Factor not found") from fault
    return answer({"id": str(key)})


async def rename_factor(call: Call) -> Response:
    """``PUT /admin/users/{id}/factors/{factor_id}``: give one of them another ``friendly_name``."""
    actor, owner, key = await actor_of(call), user_id(call), factor_id(call)
    name = call.text("friendly_name") or None
    await told(call.accounts.factors.renamed(owner, key, name, call.client, actor_id=actor.id), name)
    shown = (await user_shown(call.accounts, await call.accounts.administration.find(owner)))["factors"]
    return answer(next(each for each in shown if each["id"] == str(key)))


def _chosen_id(call: Call) -> UUID | None:
    try:
        chosen = UUID(call.text("id")) if call.text("id") else None
    except ValueError:
        raise invalid("ID must conform to the uuid v4 format") from None
    if chosen is not None and chosen.int == 0:
        raise invalid("ID cannot be a nil uuid")
    return chosen


def user_id(call: Call) -> UUID:
    """The account in the path.

    Raises:
        AuthRefused: it is no UUID.
    """
    try:
        return UUID(call.request.path_params["user_id"])
    except ValueError:
        raise AuthRefused(404, "validation_failed", "user_id must be an UUID") from None


def banned_until(span: str) -> datetime | None:
    """When a ban ends that begins now, from a time as Go writes it, such as ``24h`` or ``1h30m``; None for ``none`` and nothing.

    Raises:
        AuthRefused: it is no time.
    """
    if span in ("", "none"):
        return None
    if not re.fullmatch(f"(?:{_SPAN.pattern})+", span) or len(span) > 50:
        raise invalid("invalid format for ban duration: it is no time such as 24h or 1h30m")
    parts = (re.fullmatch(r"([\d.]+)(\D+)", part) for part in _SPAN.findall(span))
    seconds = sum(float(part[1]) * _UNITS[part[2]] for part in parts if part)
    try:
        return datetime.now(UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return FOREVER


def _metadata(call: Call, user: User) -> dict[str, Any]:
    given = {name: call.mapping(name) for name in ("user_metadata", "app_metadata")}
    return {name: merged(getattr(user, name), new) for name, new in given.items() if new is not None}


def _number(call: Call, name: str, default: int) -> int:
    text = call.asked(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) == 0:
        raise invalid(f"Bad Pagination Parameters: {name} is no number above zero")
    return int(text)


def _pages(call: Call, page: int, size: int, total: int) -> str:
    last = max(1, -(-total // size))
    path = call.request.url.path
    links = [] if page >= last else [f'<{path}?{urlencode({"page": page + 1, "per_page": size})}>; rel="next"']
    return ", ".join([*links, f'<{path}?{urlencode({"page": last, "per_page": size})}>; rel="last"'])
