"""A person's data: all of it to read, and all of it gone (Regulation (EU) 2016/679, articles 15, 17 and 20).

What the schema ``auth`` holds is known here. Tables of the application are its own business: a hook of the application exports and
erases them, in the same transaction, under the role ``service_role``.
"""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import TextClause, text

from pellucid.auth.admin.service import OPERATORS, Actor, Administration
from pellucid.auth.audit import Event
from pellucid.auth.hooks import Hooks
from pellucid.database.caller import ACCOUNTS, ACCOUNTS_ROLE
from pellucid.database.driver import OWN_PATH

AS_SERVICE = text("""
select pg_catalog.set_config('search_path', s.reset_val, true), pg_catalog.set_config('role', 'service_role', true)
from pg_catalog.pg_settings s where s.name = 'search_path'
""")
"""The application's hooks find names as its requests do that have a session of their own."""
AS_ACCOUNTS = text(
    f"select pg_catalog.set_config('role', '{ACCOUNTS_ROLE}', true), pg_catalog.set_config('search_path', '{OWN_PATH}', true)"
)
HIDDEN = frozenset(
    {
        "hash",
        "code_hash",
        "cookie_hash",
        "refresh_key",
        "secret",
        "public_key",
        "state_hash",
        "browser_hash",
        "code_challenge",
        "credential_id",
    }
)
"""Columns that prove somebody: they tell a person nothing, and a thief much."""
ACCOUNT = text("select to_jsonb(u) from auth.users u where u.id = :user_id")
OWNED = text("""
select c.relname::text from pg_catalog.pg_class c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped
where c.relnamespace = 'auth'::regnamespace and c.relkind = 'r' order by 1
""")
MAILS = text(
    "select coalesce(jsonb_agg(to_jsonb(m) order by m.id), '[]') from auth.inbox m where m.recipient = any(:addresses)"
)
FORGET = (
    text("delete from auth.outbox where target = any(:addresses) or user_id = :user_id"),
    text("delete from auth.inbox where recipient = any(:addresses)"),
    text("delete from auth.one_time_tokens where target = any(:addresses) or user_id = :user_id"),
    text("update auth.audit_log set address = null, agent = null, details = '{}' where user_id = :user_id"),
    text("delete from auth.users where id = :user_id"),
)
"""What is about a person goes with the account. The audit log keeps that something happened, and nothing of the person but the account's
id, which leads nowhere any more."""


class Personal(Struct, frozen=True):
    """Exports and erases."""

    administration: Administration
    hooks: Hooks

    async def export(self, user_id: UUID, actor: Actor = OPERATORS) -> dict[str, Any]:
        """All that is known of an account: ``account``, each table of ``auth`` with rows of its own, and what the hooks add under
        ``application``. What proves somebody, such as hashes, is left out.

        Raises:
            RowNotFound: there is no such account.
        """
        async with self.administration.database.write(ACCOUNTS) as writing:
            user = await self.administration.found(writing, user_id)
            values = {"user_id": user_id}
            data: dict[str, Any] = {"account": await writing.scalar(ACCOUNT, values)}
            for table in (await writing.scalars(OWNED)).all():
                rows = text(
                    f"select coalesce(jsonb_agg(to_jsonb(t)), '[]') from auth.{table} t where t.user_id = :user_id"
                )
                data[table] = [_told(row) for row in await writing.scalar(rows, values)]
            data["mails"] = await writing.scalar(MAILS, {"addresses": [user.email, user.new_email, user.phone]})
            await writing.execute(AS_SERVICE)
            data["application"] = await self.hooks.exported(user, writing)
            await writing.execute(AS_ACCOUNTS)
            await self.administration.note(writing, Event.USER_EXPORTED, user_id, actor)
        return data

    async def erase(
        self,
        user_id: UUID,
        actor: Actor = OPERATORS,
        *,
        reason: str | None = None,
        provided: TextClause | None = None,
    ) -> bool:
        """Erase a person: what the hooks erase, and everything of the account. It cannot be undone.

        Args:
            user_id: whose account.
            actor: who erases it.
            reason: for the audit log, where there is one to tell.
            provided: a question whose answer must be yes when the account is locked; otherwise nothing is done.

        Returns:
            Whether it was done.

        Raises:
            RowNotFound: there is no such account.
            BrokenReference: rows of the application still refer to it; erase them in a hook, or have them go with it.
            PellucidError: a hook of the application refused; then nothing is erased.
        """
        sessions = self.administration.sessions
        async with self.administration.database.write(ACCOUNTS) as writing:
            user = await self.administration.found(writing, user_id)
            if provided is not None and not await writing.scalar(provided):
                return False
            gone = await sessions.end(writing, user_id)
            await writing.execute(AS_SERVICE)
            await self.hooks.erased(user, writing)
            await writing.execute(AS_ACCOUNTS)
            values = {"user_id": user_id, "addresses": [user.email, user.new_email, user.phone]}
            for statement in FORGET:
                await writing.execute(statement, values)
            details = {"reason": reason} if reason else {}
            await self.administration.note(writing, Event.USER_ERASED, user_id, actor, **details)
        sessions.revocations.add(gone)
        return True


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in HIDDEN}
