"""What the accounts can be told."""

from pathlib import Path

from msgspec import Struct

from pellucid.discreet import Discreet, Hidden

DAY = 86_400


class SessionOptions(Struct, frozen=True):
    """How long sessions live; all times are in seconds.

    A session ends ``idle`` after it was last used and ``absolute`` after it began. A refresh token that was used gives the same
    successor again for ``grace``, so that two tabs at once sign nobody out; after that its use ends the session.
    """

    idle: int = 7 * DAY
    absolute: int = 30 * DAY
    grace: int = 10


class MailOptions(Struct, frozen=True):
    """How mails are sent. Without ``url`` they go to the inbox page in development, and nowhere in production.

    ``url`` is ``smtp://`` (STARTTLS where the server offers it), ``smtps://`` (TLS from the start) or ``smtp+starttls://`` (STARTTLS
    or nothing), with user and password where needed. ``templates`` is a directory whose files replace those of the same name.
    """

    url: str | None = None
    sender: str | None = None
    templates: Path | None = None


class ProviderOptions(Discreet, frozen=True):
    """Where people have accounts elsewhere, and how they sign in with them.

    With ``issuer`` it is an OpenID provider, whose endpoints are discovered. Without, the three URLs are given, and ``reads`` names how
    its answers about people are read (`pellucid.auth.providers.people`). ``secret_key`` signs the client secret where it is a token
    itself, as Apple wants it; ``team`` and ``key_id`` go with it. ``client_ids`` are those of one's own apps besides, whose ID tokens
    are believed too when they are brought along. ``parameters`` are sent along when somebody is sent there.
    """

    name: str
    client_id: str
    client_secret: Hidden[str | None] = None
    issuer: str | None = None
    authorize_url: str | None = None
    token_url: str | None = None
    user_url: str | None = None
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    reads: str = "openid"
    parameters: tuple[tuple[str, str], ...] = ()
    team: str | None = None
    key_id: str | None = None
    secret_key: Hidden[str | None] = None
    client_ids: tuple[str, ...] = ()


class AccountOptions(Struct, frozen=True):
    """Everything the accounts can be told.

    ``public_url`` is where people reach this server, without a slash at the end; links in mails are built from it alone. With
    ``verify_email`` nobody signs in before the address is verified. ``limit_addresses`` counts attempts by address too, which makes no
    sense where everything comes from one machine. ``audit_days`` is how long the audit log is kept. ``providers`` are those that people
    may sign in with, and ``redirect_urls`` where they may be sent afterwards, compared letter by letter; ``site_url`` is where they are
    sent under ``/auth/v1`` when nothing else is asked for. ``anonymous`` lets people in who say nothing of themselves; their
    accounts are erased ``anonymous_days`` after nobody could come back to them, or with 0 never.
    """

    production: bool = False
    public_url: str = "http://127.0.0.1:8000"
    verify_email: bool = False
    limit_addresses: bool = True
    audit_days: int = 90
    sessions: SessionOptions = SessionOptions()
    mail: MailOptions = MailOptions()
    providers: tuple[ProviderOptions, ...] = ()
    redirect_urls: tuple[str, ...] = ()
    anonymous: bool = True
    anonymous_days: int = 30
    site_url: str | None = None

    @property
    def site(self) -> str:
        """Where people come back to."""
        return self.site_url or self.public_url

    @property
    def secure(self) -> bool:
        """Whether people reach this server over TLS, so that cookies can be ``Secure``."""
        return self.production or self.public_url.startswith("https://")

    @property
    def mails(self) -> bool:
        """Whether a mail can be sent, or shown."""
        return self.mail.url is not None or not self.production
