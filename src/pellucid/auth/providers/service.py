"""Signing in with others' accounts, and linking them to accounts here."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.hooks import Hooks, SignUpEntry
from pellucid.auth.limits import Kind, Limits, Rule
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.options import AccountOptions
from pellucid.auth.providers.flows import Flow, Flows
from pellucid.auth.providers.outside import Outside
from pellucid.auth.providers.people import Person
from pellucid.auth.providers.presets import PRESETS
from pellucid.auth.providers.provider import Provider, configured
from pellucid.auth.providers.tables import Linked
from pellucid.auth.tables import Password, User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import ReadSession, WriteSession
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import Duplicate, InvalidFields, LastWayIn, NotLinked, PellucidError, RowNotFound, UnknownProvider

METHOD = "oauth"
"""How ``amr`` names what a provider proved."""
OTHERS = Kind("others", Rule(30, longest=300), Rule(120, longest=300))
"""Sign-ins begun at other providers."""
WAYS_IN = text("""
select (select count(*) from auth.passwords where user_id = u.id and u.email is not null)
     + (select count(*) from auth.identities where user_id = u.id)
     + (select count(*) from auth.webauthn_credentials where user_id = u.id and discoverable)
     + (:mails and u.email_verified_at is not null)::int
     + (u.phone_verified_at is not null)::int
from auth.users u where u.id = :user_id
""")
"""In how many ways an account can be entered."""


class Begun(Discreet, frozen=True):
    """A sign-in that has begun: where to send the browser, and the secret for its cookie."""

    url: str
    browser: Hidden[str]


class Others:
    """The accounts that people have elsewhere."""

    def __init__(
        self,
        database: Database,
        options: AccountOptions,
        *,
        audit: Audit,
        limits: Limits,
        hooks: Hooks,
        outbox: Outbox,
    ) -> None:
        self.database = database
        self.audit = audit
        self.limits = limits
        self.hooks = hooks
        self.outbox = outbox
        self.options = options
        self.outside = Outside()
        self.flows = Flows(database)
        self.providers: Mapping[str, Provider] = {
            each.name: Provider(configured(each, PRESETS.get(each.name, {})), self.outside)
            for each in options.providers
        }

    async def begin(
        self,
        provider: str,
        callback: str,
        *,
        client: Client = NOBODY,
        browser: str | None = None,
        redirect_to: str | None = None,
        link: UUID | None = None,
        challenge: str | None = None,
        method: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Begun:
        """Send somebody to a provider.

        Args:
            provider: its name.
            callback: the path here that it sends the browser back to, such as ``/login/google/callback``.
            client: who asks.
            browser: the secret that the browser's cookie has already, if it has one.
            redirect_to: where the browser goes in the end; see `permitted`.
            link: the account that the other one is to be linked to; None to sign in.
            challenge: the PKCE challenge of the program that asks, if it wants a code in the end (RFC 7636).
            method: ``S256`` (or ``plain``) then.
            data: what `Flow.data` gives back; no secret.

        Raises:
            UnknownProvider: it is not configured.
            InvalidFields: ``redirect_to`` is not permitted.
            TooManyAttempts: too often.
            ProviderFailed: it cannot be reached.
        """
        known = self.provider(provider)
        self.permitted(redirect_to)
        await self.limits.admit(OTHERS, str(link) if link else None, client)
        await known.endpoints()
        where = f"{self.options.public_url}{callback}"
        sign, secret = await self.flows.begin(
            provider,
            where,
            browser=browser,
            redirect_to=redirect_to,
            link=link,
            challenge=challenge,
            method=method,
            data=data,
        )
        return Begun(await known.address(sign, where), secret)

    async def finish(self, flow: Flow, answer: Mapping[str, str], client: Client = NOBODY) -> User:
        """The account of whoever comes back, made or linked where that is right. Let it in with `METHOD` when `Flow.link` is None.

        Args:
            flow: what `Flows.take` gave.
            answer: the query (or the form) that the browser brought along from the provider.
            client: from where.

        Raises:
            ProviderFailed: the provider or the person there refused, or it cannot be believed.
            NotLinked: the address has an account here already, and not both sides have proved it; or the other account is
                somebody else's.
            PellucidError: a hook of the application refused.
        """
        async with self._told(flow.provider, flow.link, client):
            person = await self.provider(flow.provider).person(answer, flow.sign, flow.callback)
            return await self._account(person, flow.link, client)

    async def by_token(
        self,
        provider: str,
        token: str,
        client: Client = NOBODY,
        *,
        nonce: str | None = None,
        access_token: str | None = None,
        link: UUID | None = None,
    ) -> User:
        """The same for whoever brings an ID token along, which an app got from the provider by itself.

        Args:
            provider: its name.
            token: the ID token.
            client: from where.
            nonce, access_token: see `pellucid.auth.providers.provider.Provider.told_by`.
            link: the account that the other one is to be linked to; None to sign in.

        Raises:
            UnknownProvider: it is not configured.
            TooManyAttempts: too often.
            ProviderFailed, NotLinked, PellucidError: as with `finish`.
        """
        known = self.provider(provider)
        await self.limits.admit(OTHERS, str(link) if link else None, client)
        async with self._told(provider, link, client):
            person = await known.told_by(token, nonce=nonce, access_token=access_token)
            return await self._account(person, link, client)

    async def _account(self, person: Person, link: UUID | None, client: Client) -> User:
        if link is not None:
            return await self._link(link, person, client)
        return await self._known(person, client) or await self._new(person, client)

    @asynccontextmanager
    async def _told(self, provider: str, link: UUID | None, client: Client) -> AsyncIterator[None]:
        """Write a refusal down."""
        try:
            yield
        except PellucidError as fault:
            details = {"methods": [METHOD], "provider": provider, "reason": fault.code}
            await self.audit.record(Event.SIGN_IN_FAILED, user_id=link, client=client, details=details)
            raise

    def provider(self, name: str) -> Provider:
        """A provider by its name.

        Raises:
            UnknownProvider: it is not configured.
        """
        if name not in self.providers:
            raise UnknownProvider(f"Nobody can sign in with {name!r} here.")
        return self.providers[name]

    def permitted(self, redirect_to: str | None) -> None:
        """Go on only where a browser may be sent: a page of this site, or an address that was configured, letter by letter.

        Raises:
            InvalidFields: it may not.
        """
        site = self.options.public_url
        if redirect_to is None or redirect_to in (site, *self.options.redirect_urls):
            return
        plain = redirect_to.isascii() and redirect_to.isprintable() and not set(redirect_to) & set('\\ "<>')
        if not plain or not redirect_to.startswith(f"{site}/"):
            raise InvalidFields(
                "redirect_to is no address that this server sends browsers to.",
                hint="Let whoever runs it add the address to redirect_urls, letter by letter.",
            )

    async def unlink(self, user_id: UUID, identity_id: UUID, client: Client = NOBODY) -> None:
        """Have an account elsewhere sign in here no more.

        Raises:
            RowNotFound: there is none of this id that is the account's own.
            LastWayIn: nobody could sign in to the account without it.
        """
        async with self.database.write(ACCOUNTS) as writing:
            await writing.get(User, user_id, with_for_update=True)  # so that two at once do not remove both of two
            gone = delete(Linked).where(Linked.id == identity_id, Linked.user_id == user_id).returning(Linked.provider)
            provider = await writing.scalar(gone)
            if provider is None:
                raise RowNotFound("There is no such account elsewhere that is linked to yours.")
            if not await writing.scalar(WAYS_IN, {"user_id": user_id, "mails": self.options.mails}):
                raise LastWayIn("You could not sign in any more without it.")
            details = {"provider": provider}
            await self.audit.note(writing, Event.IDENTITY_UNLINKED, user_id=user_id, client=client, details=details)

    # -- whose account it is ----------------------------------------------------------------------------------------------

    async def _known(self, person: Person, client: Client) -> User | None:
        """The account that somebody elsewhere signs in to: the linked one, or one whose address both sides have proved."""
        async with self.database.write(ACCOUNTS) as writing:
            linked = await _linked(writing, person)
            if linked is not None:
                await writing.execute(update(Linked).where(Linked.id == linked.id).values(_told(person)))
                return await writing.get(User, linked.user_id)
            user = await self._of_address(writing, person)
            if user is None:
                return None
            await self._require_proof(writing, user, client)
            await self._add(writing, user, person, client)
        return user

    async def _require_proof(self, writing: WriteSession, user: User, client: Client) -> None:
        """Go on only with an account that has proved its address, as the other side has. One that was made where addresses are verified,
        and that nobody has verified or used, is nobody's yet: whoever proves the address gets it, without the password that was set.

        Raises:
            NotLinked: it has not.
        """
        if user.email_verified_at is not None:
            return
        if not self.options.verify_email or user.last_sign_in_at is not None:
            raise NotLinked("This address has an account here already, which has not proved it.")
        await writing.execute(delete(Password).where(Password.user_id == user.id))
        user.email_verified_at = func.now()
        await writing.flush()
        await writing.refresh(user)
        await self.audit.note(writing, Event.EMAIL_VERIFIED, user_id=user.id, client=client)

    async def _of_address(self, writing: WriteSession, person: Person) -> User | None:
        if person.email is None or not person.email_verified:
            return None  # what nobody has proved leads to nobody's account
        wanted = select(User).where(func.lower(User.email) == person.email).with_for_update()
        return (await writing.scalars(wanted)).one_or_none()

    async def _new(self, person: Person, client: Client) -> User:
        """A new account. Its address is the one that the provider has proved, or none."""
        email = person.email if person.email_verified else None
        metadata = dict(person.profile)
        await self.hooks.signing_up(SignUpEntry(email, person.provider, client, metadata))
        try:
            async with self.database.write(ACCOUNTS) as writing:
                user = User(email=email, email_verified_at=func.now() if email else None, user_metadata=metadata)
                writing.add(user)
                await writing.flush()
                await writing.refresh(user)
                details = {"method": person.provider, "new": True}
                await self.audit.note(writing, Event.SIGNED_UP, user_id=user.id, client=client, details=details)
                await self._add(writing, user, person, client, quiet=True)
        except Duplicate:  # two at once: the other one has made it
            known = await self._known(person, client)
            if known is None:
                raise
            return known
        await self.hooks.signed_up(user)
        return user

    async def _link(self, user_id: UUID, person: Person, client: Client) -> User:
        """Link somebody elsewhere to an account that asked for it; an anonymous one is real from now on, with the same id."""
        async with self.database.write(ACCOUNTS) as writing:
            user = await writing.get(User, user_id, with_for_update=True)
            linked = await _linked(writing, person)
            if user is None or (linked is not None and linked.user_id != user_id):
                raise NotLinked("This account elsewhere is linked to another account here.")
            if linked is None:
                await self._add(writing, user, person, client)
            if user.is_anonymous:
                await self._make_real(writing, user, person, client)
        return user

    async def _make_real(self, writing: WriteSession, user: User, person: Person, client: Client) -> None:
        user.is_anonymous = False
        if person.email_verified and await self._of_address(writing, person) is None:
            user.email, user.email_verified_at = person.email, func.now()
        user.user_metadata = dict(person.profile) | user.user_metadata
        await writing.flush()
        await writing.refresh(user)
        details = {"method": person.provider}
        await self.audit.note(writing, Event.ANONYMOUS_MADE_REAL, user_id=user.id, client=client, details=details)

    async def _add(
        self, writing: WriteSession, user: User, person: Person, client: Client, *, quiet: bool = False
    ) -> None:
        values = {"user_id": user.id, "provider": person.provider, "subject": person.subject} | _told(person)
        await writing.execute(insert(Linked).values(values))
        details = {"provider": person.provider}
        await self.audit.note(writing, Event.IDENTITY_LINKED, user_id=user.id, client=client, details=details)
        if user.email and user.email_verified_at is not None and self.options.mails and not quiet:
            what = f"An account at {person.provider} can sign in to yours from now on"
            await self.outbox.put(writing, "notice", user.email, data={"what": what})


async def linked_of(reading: ReadSession, user_id: UUID) -> Sequence[Linked]:
    """The accounts elsewhere that are linked to one here, as far as the session's caller may see them; the oldest first."""
    return (await reading.scalars(select(Linked).where(Linked.user_id == user_id).order_by(Linked.id))).all()


async def _linked(writing: WriteSession, person: Person) -> Linked | None:
    wanted = select(Linked).where(Linked.provider == person.provider, Linked.subject == person.subject)
    return (await writing.scalars(wanted)).one_or_none()


def _told(person: Person) -> dict[str, Any]:
    return {
        "email": person.email,
        "email_verified": person.email_verified,
        "data": dict(person.profile),
        "updated_at": func.now(),
        "last_sign_in_at": func.now(),
    }
