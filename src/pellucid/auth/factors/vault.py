"""Secrets that must be read again, and so cannot be hashed: sealed with AES-256-GCM, under a key that is derived (HKDF, RFC 5869) from the
key that signs tokens.

What is sealed names its key. Any private key of the key file opens it, so that signing keys can be changed: `Resealer` brings
all that is stored to the new key at the start of a worker and when the file changes, while the old one is still in the file.
"""

import base64
import os
from contextlib import suppress
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import func, select, update

from pellucid.auth.factors.tables import Factor
from pellucid.auth.keys import Key, KeySet
from pellucid.auth.opaque import digest
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import FeatureOff
from pellucid.lifecycle import Background

INFO = b"pellucid: secrets of second factors"
VERSION = b"\x01"
ID_BYTES = 8
NONCE_BYTES = 12
HEAD = len(VERSION) + ID_BYTES
BATCH = 500


class Vault:
    """Seals and opens."""

    def __init__(self, keys: KeySet) -> None:
        """Use these keys."""
        self.use(keys)

    def use(self, keys: KeySet) -> None:
        """Derive a key from each private key; the one that signs is the one that seals."""
        lent = [] if keys.signer is None else [keys.signer]
        derived = [_derived(key) for key in (*lent, *keys.verifying.values()) if _private(key)]
        self._keys = {_head(key): AESGCM(key) for key in derived}
        self._sealing = _head(derived[0]) if derived else None

    @property
    def head(self) -> bytes:
        """What everything that is sealed now begins with.

        Raises:
            FeatureOff: there is no key.
        """
        if self._sealing is None:
            raise FeatureOff("This server has no key to keep secrets with.", hint="Make one with `pellucid key`.")
        return self._sealing

    def seal(self, content: bytes, owner: UUID) -> bytes:
        """Seal a secret; it can be opened for the same owner only."""
        head, nonce = self.head, os.urandom(NONCE_BYTES)
        return head + nonce + self._keys[head].encrypt(nonce, content, head + owner.bytes)

    def open(self, sealed: bytes, owner: UUID) -> bytes:
        """The secret again.

        Raises:
            FeatureOff: it was sealed with another key, or for another owner.
        """
        head, rest = sealed[:HEAD], sealed[HEAD:]
        try:
            return self._keys[head].decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], head + owner.bytes)
        except (KeyError, InvalidTag) as fault:
            raise FeatureOff(
                "This factor was made under a signing key that this server does not have any more.",
                hint="Prove another factor, or use a recovery code, and set this one up anew.",
            ) from fault


class Resealer(Background):
    """Brings stored secrets to the key that seals now: once after the start, and whenever it is woken."""

    trouble = "The secrets of factors could not be brought to the present key."

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__()
        self._database = database
        self._vault = vault

    async def reseal(self) -> int:
        """Do it; tells how many there were. Two workers at once do no harm."""
        done, last = 0, UUID(int=0)
        while rows := await self._stale(last):
            async with self._database.write(ACCOUNTS) as writing:
                for factor_id, sealed in rows:
                    with suppress(FeatureOff):  # of a key that is gone; another worker may have it
                        renewed = self._vault.seal(self._vault.open(sealed, factor_id), factor_id)
                        same = (Factor.id == factor_id, Factor.secret == sealed)
                        await writing.execute(update(Factor).where(*same).values(secret=renewed))
                        done += 1
            last = rows[-1][0]
        return done

    async def _stale(self, after: UUID) -> list[tuple[UUID, bytes]]:
        stale = func.substr(Factor.secret, 1, HEAD) != self._vault.head
        wanted = select(Factor.id, Factor.secret).where(Factor.id > after, stale).order_by(Factor.id).limit(BATCH)
        async with self._database.read(ACCOUNTS) as reading:
            return [(row.id, row.secret) for row in (await reading.execute(wanted)).all()]

    async def _start(self) -> None:
        if self._database.capabilities.accounts is None:
            self.wake()
            await super()._start()

    async def _work(self) -> None:
        with suppress(FeatureOff):
            await self.reseal()


def _private(key: Key) -> bool:
    return key.secret or bool(key.material.is_private)


def _derived(key: Key) -> bytes:
    parts = key.material.as_dict(private=True)
    text = str(parts.get("k") or parts["d"])
    material = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return HKDF(SHA256(), 32, salt=None, info=INFO).derive(material)


def _head(key: bytes) -> bytes:
    return VERSION + digest(key.hex(), "key")[:ID_BYTES]
