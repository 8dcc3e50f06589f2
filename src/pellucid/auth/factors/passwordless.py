"""Sign-in with a passkey and nothing else: no address is typed, the passkey says whose it is.

The passkey must make sure of its owner, by a finger, a face or a PIN. So two factors are proved at once, something that one has and
something that one is or knows, and the session is one of aal2 (NIST SP 800-63B, 3.1.7).
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from pellucid.auth.client import NOBODY, Client
from pellucid.auth.factors import challenges, passkeys, store
from pellucid.auth.factors.passkeys import Asserted
from pellucid.auth.factors.service import WEBAUTHN, Asked, Factors
from pellucid.auth.factors.tables import Credential, Factor
from pellucid.auth.limits import PASSKEY
from pellucid.auth.opaque import new_secret
from pellucid.auth.sessions.service import Granted
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.errors import FactorRefused
from pellucid.later import later

if TYPE_CHECKING:
    from pellucid.auth.factors import ceremonies
else:
    ceremonies = later("pellucid.auth.factors.ceremonies")


class Passwordless:
    """Lets people in who have a passkey."""

    def __init__(self, factors: Factors) -> None:
        self.factors = factors
        self.door = factors.door
        self.database = factors.database

    async def ask(self, client: Client = NOBODY) -> Asked:
        """A challenge for any passkey of this site. The answer is the same for everybody.

        Raises:
            TooManyAttempts: too often.
            FeatureOff: the public URL is an address, and passkeys need a name.
        """
        await self.door.limits.admit(PASSKEY, None, client)
        site, content = passkeys.site_of(self.door.options.public_url), new_secret().encode()
        async with self.database.write(ACCOUNTS) as writing:
            made = await challenges.make(writing, challenges.ALONE, client, content=content)
        return Asked(made[0], challenges.ALONE, made[1], ceremonies.request(site, content, (), alone=True))

    async def sign_in(self, answer: Mapping[str, Any], client: Client = NOBODY, *, cookie: bool = False) -> Granted:
        """Let somebody in whose passkey answered.

        Args:
            answer: what the browser gave (a ``PublicKeyCredential`` as JSON).
            client: from where.
            cookie: whether a browser's cookie is to prove the session.

        Raises:
            FactorRefused: the answer is not good, or no account has this passkey.
            ChallengeRefused: the challenge is not open.
            TooManyAttempts: too often, for this passkey or from this client.
            Banned, PellucidError: see `pellucid.auth.door.Door.let_in`.
        """
        key, handle = ceremonies.id_in(answer)
        await self.door.limits.admit(PASSKEY, key.hex(), client)
        user, passkey = await self._known(key)
        try:
            proved = await self._proved(answer, passkey)
            if user is None or passkey is None or handle != user.id.bytes:
                raise passkeys.refused()
        except FactorRefused as fault:
            await self.door.failed(user.id if user else None, WEBAUTHN, client=client, reason=fault.code)
            raise
        return await self.door.let_in(
            user,
            WEBAUTHN,
            client=client,
            cookie=cookie,
            forgive=(PASSKEY, key.hex()),
            strong=True,
            using=partial(store.use_passkey, passkey=passkey, proved=proved),
        )

    async def _known(self, key: bytes) -> tuple[User | None, Credential | None]:
        wanted = (
            select(User, Credential)
            .join(Credential, Credential.user_id == User.id)
            .join(Factor, Factor.id == Credential.factor_id)
            .where(Credential.credential_id == key, Factor.verified_at.is_not(None))
        )
        async with self.database.read(ACCOUNTS) as reading:
            found = (await reading.execute(wanted)).one_or_none()
        return (None, None) if found is None else (found[0], found[1])

    async def _proved(self, answer: Mapping[str, Any], passkey: Credential | None) -> Asserted:
        content = ceremonies.challenge_in(answer)
        async with self.database.write(ACCOUNTS) as writing:
            await challenges.take(writing, challenges.ALONE, content=content)
        if passkey is None:
            raise passkeys.refused()
        site = passkeys.site_of(self.door.options.public_url)
        return ceremonies.asserted(site, answer, content, passkey, alone=True)
