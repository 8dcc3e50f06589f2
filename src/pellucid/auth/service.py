"""The accounts: all their services, put together.

What looks at accounts before anybody is known runs as `ACCOUNTS`, the role that owns them; what a signed-in caller asks for runs in the
caller's own session, where row level security decides.
"""

from collections.abc import Mapping
from typing import Any

from pellucid.auth import assurance
from pellucid.auth.admin.links import Links
from pellucid.auth.admin.personal import Personal
from pellucid.auth.admin.service import Administration
from pellucid.auth.anonymous import Anonymous
from pellucid.auth.apikeys.proving import Keys, Proofs
from pellucid.auth.apikeys.service import ApiKeys
from pellucid.auth.assurance import require_account
from pellucid.auth.audit import Audit
from pellucid.auth.calibration import Calibration
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.credentials import Credentials
from pellucid.auth.door import Door
from pellucid.auth.factors.passwordless import Passwordless
from pellucid.auth.factors.recovering import Recovery
from pellucid.auth.factors.service import Factors
from pellucid.auth.factors.vault import Resealer, Vault
from pellucid.auth.hooks import Hooks
from pellucid.auth.housekeeping import Housekeeper
from pellucid.auth.keys import KeySet
from pellucid.auth.letters import Letters
from pellucid.auth.limits import Limits
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.mail.sender import Inbox, smtp
from pellucid.auth.mail.templates import Templates
from pellucid.auth.mailed import Mailed
from pellucid.auth.messenger import Messenger
from pellucid.auth.options import AccountOptions
from pellucid.auth.passwords import Passwords
from pellucid.auth.phones import Phones
from pellucid.auth.providers.service import Others
from pellucid.auth.registration import Registration
from pellucid.auth.sessions.browsers import Browsers
from pellucid.auth.sessions.revocation import Revocations
from pellucid.auth.sessions.service import Sessions
from pellucid.auth.tokens import Tokens
from pellucid.database.core import Database
from pellucid.lifecycle import Stack
from pellucid.web.identity import Identity


class Accounts:
    """Makes accounts and lets people in. The one door to all services of the accounts; none of them knows routes.

    ``audit``, ``limits``, ``hooks``, ``sessions``, ``revocations``, ``browsers``, ``outbox``, ``mailed``, ``door``, ``registration``,
    ``credentials``, ``others``, ``anonymous``, ``api_keys``, ``administration``, ``links``, ``personal``, ``factors``, ``recovery``,
    ``passwordless``, ``phones`` and ``housekeeper`` are those services. What is asked for most, such as ``sign_in``, can be called here.
    """

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        tokens: Tokens,
        options: AccountOptions | None = None,
        hooks: Hooks | None = None,
        *,
        messenger: Messenger | None = None,
    ) -> None:
        self.database = database
        self.passwords = passwords
        self.tokens = tokens
        self.options = options = options or AccountOptions()
        self.hooks = hooks = hooks or Hooks()
        self.audit = Audit(database)
        self.limits = Limits(database, self.audit, addresses=options.limit_addresses)
        self.revocations = Revocations(database, tokens.options.lifetime + tokens.options.leeway)
        self.sessions = Sessions(
            database,
            tokens,
            audit=self.audit,
            hooks=hooks,
            revocations=self.revocations,
            limits=self.limits,
            options=options.sessions,
        )
        self.browsers = Browsers(self.sessions)
        self.proofs = Proofs(self.browsers, Keys(database, tokens.options))
        self.api_keys = ApiKeys(database, self.audit, self.limits, self.revocations)
        self.outbox = open_outbox(database, options)
        self.mailed = Mailed(
            database, self.outbox, audit=self.audit, limits=self.limits, revocations=self.revocations, options=options
        )
        self.letters = Letters(options, hooks, self.audit)
        self.letters.register(self.outbox)
        self.door = Door(database, self.sessions, self.browsers, self.audit, self.limits, hooks, options)
        self.registration = Registration(
            database, passwords, audit=self.audit, limits=self.limits, hooks=hooks, outbox=self.outbox, options=options
        )
        self.credentials = Credentials(
            database, passwords, self.door, self.sessions, self.mailed, self.outbox, self.audit, self.limits, options
        )
        self._administration_opened()
        self._phones_opened(messenger)
        self.sign_up = self.registration.sign_up
        self.sign_in = self.credentials.sign_in
        self.change_password = self.credentials.change_password
        self.reset_password = self.credentials.reset_password
        self.set_password = self.credentials.set_password
        self.others = Others(database, options, audit=self.audit, limits=self.limits, hooks=hooks, outbox=self.outbox)
        self.anonymous = Anonymous(database, self.door, self.audit, self.limits, hooks, options, passwords, self.mailed)
        self.housekeeper = Housekeeper(database, options, self.personal)
        self._resealer = self._factors_opened()
        calibration = Calibration(database, passwords)
        self.life = Stack(
            calibration, self.revocations, self.outbox, self.housekeeper, self._resealer, self.others.outside
        )

    def _administration_opened(self) -> None:
        self.administration = Administration(
            self.database,
            self.passwords,
            sessions=self.sessions,
            mailed=self.mailed,
            outbox=self.outbox,
            audit=self.audit,
            hooks=self.hooks,
        )
        self.links = Links(self.administration, self.letters)
        self.personal = Personal(self.administration, self.hooks)

    def _phones_opened(self, messenger: Messenger | None) -> None:
        self.phones = Phones(
            self.database,
            messenger,
            outbox=self.outbox,
            audit=self.audit,
            limits=self.limits,
            options=self.options,
        )

    def _factors_opened(self) -> Resealer:
        self._vault = vault = Vault(self.tokens.keys)
        self.factors = Factors(self.door, self.outbox, vault)
        self.recovery = Recovery(self.factors)
        self.passwordless = Passwordless(self.factors)
        return Resealer(self.database, vault)

    async def use_keys(self, keys: KeySet) -> None:
        """Sign and check with these keys from now on, and keep secrets with them."""
        self._vault.use(keys)
        self.tokens.keys = keys
        self._resealer.wake()

    async def change_email(
        self, identity: Identity, address: str, client: Client = NOBODY, data: Mapping[str, Any] | None = None
    ) -> None:
        """Ask both sides whether an account may have another address; see `pellucid.auth.mailed.Mailed.ask_change`.

        Raises:
            StepUpRequired: the account has a second factor, and the session has not proved it.
        """
        user_id = require_account(identity)
        await self.require_assurance(identity)
        await self.mailed.ask_change(user_id, address, client, data)

    async def require_assurance(self, identity: Identity) -> None:
        """Go on only where a session has proved as much as its account can: aal2 where it has a second factor.

        Raises:
            StepUpRequired: a second factor is missing.
        """
        await assurance.require_assurance(self.database, identity)


def open_outbox(database: Database, options: AccountOptions) -> Outbox:
    """The outbox, with the mail server of the options, or the inbox of development.

    Raises:
        StartupError: the mail server's URL cannot be read, or the directory of templates is not there.
    """
    mail = options.mail
    sender = smtp(mail.url) if mail.url else None if options.production else Inbox(database)
    return Outbox(database, sender, mail.sender or "pellucid@localhost", Templates(mail.templates))
