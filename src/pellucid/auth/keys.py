"""The keys that access tokens are signed and checked with: one that signs, and any number that only verify.

A key file is a JWK Set (RFC 7517, 5). Its first key signs; the others are still, or already, accepted. So a key is changed without
turning anybody away: put the new key second, wait until everybody has fetched the published set, move it to the front, and take the
old one out when the last token it signed has expired. Each key has exactly one algorithm, decided by what the key is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, thumbprint
from joserfc.jws import JWSRegistry
from msgspec import Struct

from pellucid.auth.keyfile import create_once, read_private
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import FeatureOff, StartupError

SHARED = "HS256"
MIN_SECRET = 32
"""Bytes that a shared secret must have: as long as the hash of HS256 (RFC 7518, 3.2)."""
MIN_RSA_BITS = 2048

_WAY_OUT = "Make one with `pellucid key` and configure it as the signing key, as text or as a file that only its owner can read."
_IS_A_KEY = "The token secret is a key, not a secret."
_INSTEAD = "Configure it as the signing key instead."
_PUBLIC = ("kty", "crv", "x", "y", "n", "e")
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


class KeyOptions(Discreet, frozen=True):
    """Where the signing key comes from. The first that is given wins: ``text``, ``file``, ``generated``.

    ``text`` is a JWK or a JWK Set; ``file`` holds the same. ``generated`` is the file in the instance's own directory: development
    makes it where it is missing, production only reads it.
    """

    text: Hidden[str | None] = None
    file: Path | None = None
    generated: Path | None = None
    production: bool = False

    @property
    def configured(self) -> bool:
        """Whether somebody chose the key."""
        return bool(self.text or self.file)

    @property
    def path(self) -> Path | None:
        """The file that the keys are in; None where they are given as text."""
        return None if self.text else self.file or self.generated

    @property
    def available(self) -> bool:
        """Whether the generated file is there, or may be made."""
        return self.generated is not None and (not self.production or self.generated.exists())


class Key(Discreet, frozen=True):
    """One key, with the only algorithms it is used with (RFC 8725, 3.1); it signs with the first.

    A key of this instance has one; a key of others that names none has those of its kind. ``id`` is empty where others gave it none.
    """

    id: str
    algorithms: tuple[str, ...]
    material: Hidden[ECKey | RSAKey | OctKey | OKPKey]

    @property
    def algorithm(self) -> str:
        """The one that it signs with."""
        return self.algorithms[0]

    @property
    def secret(self) -> bool:
        """Whether those who check with it can sign with it too."""
        return isinstance(self.material, OctKey)

    def fits(self, kid: str | None, algorithm: str) -> bool:
        """Whether it may check a token with such a header. A token that names no key is tried with each."""
        return (kid is None or kid == self.id) and algorithm in self.algorithms

    def sign(self, content: bytes) -> bytes:
        """Sign with the first algorithm."""
        return JWSRegistry.algorithms[self.algorithm].sign(content, self.material)

    def verifies(self, algorithm: str, content: bytes, signature: bytes) -> bool:
        """Whether a signature is genuine; ``algorithm`` is one of its own."""
        try:
            return JWSRegistry.algorithms[algorithm].verify(content, signature, self.material)
        except (JoseError, ValueError):
            return False

    @property
    def public(self) -> dict[str, Any]:
        """The public half, as a JWK that others may see."""
        parts = self.material.as_dict(private=False)
        named = {"kid": self.id} if self.id else {}
        return {name: parts[name] for name in _PUBLIC if name in parts} | named | {"alg": self.algorithm, "use": "sig"}


class KeySet(Struct, frozen=True):
    """The key that signs, where there is one; this instance's keys by their id; and the keys of others that are trusted."""

    signer: Key | None
    verifying: Mapping[str, Key]
    trusted: tuple[Key, ...] = ()

    @property
    def signing(self) -> Key:
        """The key that signs.

        Raises:
            FeatureOff: there is none.
        """
        if self.signer is None:
            raise FeatureOff("This server has no key to sign tokens with.", hint="Make one with `pellucid key`.")
        return self.signer

    @property
    def shared(self) -> bool:
        """Whether tokens are signed with a secret that others hold too."""
        return self.signer is not None and self.signer.secret

    def verifier(self, kid: str | None) -> Key | None:
        """The key of this instance that a token's header names."""
        return self.verifying.get(kid or "")

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """The JWK Set for everybody: public halves only, and no secret."""
        own = list(self.verifying.values())
        lent = [] if self.signer is None or self.signer.secret or self.signer in own else [self.signer]
        return {"keys": [key.public for key in lent + own]}


def generate_key() -> str:
    """A new key file: a JWK Set with one private ES256 key, named after its own thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", private=True)
    jwk = {**key.as_dict(private=True), "kid": thumbprint(key.as_dict(private=False)), "alg": "ES256", "use": "sig"}
    return json.dumps({"keys": [jwk]}, indent=2) + "\n"


def load_keys(options: KeyOptions) -> KeySet:
    """Find the keys, and in development make them on the first start.

    Raises:
        StartupError: there is none, it cannot be read, others can read it, or it is not fit for signing.
    """
    if options.text:
        return parse_keys(options.text, origin="the configured signing key")
    if options.file:
        return parse_keys(read_private(options.file), origin=str(options.file))
    if options.generated is None:
        raise StartupError("No signing key is configured.", hint=_WAY_OUT)
    if not options.production:
        create_once(options.generated, generate_key)
    elif not options.generated.exists():
        raise StartupError("Production needs a signing key, and none is configured.", hint=_WAY_OUT)
    return parse_keys(read_private(options.generated), origin=str(options.generated))


def shared_secret(secret: bytes) -> KeySet:
    """The keys of an instance whose tokens are signed with a secret that it shares with others (HS256).

    Raises:
        StartupError: it is too short, or it is a key rather than a secret; a public key used as one could be known to anybody.
    """
    if len(secret) < MIN_SECRET:
        raise StartupError(
            f"The token secret has {len(secret)} bytes; it needs at least {MIN_SECRET}.",
            hint="Make one with `openssl rand -base64 48`.",
        )
    if secret.lstrip().startswith((b"{", b"[", b"-----BEGIN", b"ssh-")):
        raise StartupError(_IS_A_KEY, hint=_INSTEAD)
    try:
        key = Key("", (SHARED,), OctKey.import_key(secret))
    except ValueError as fault:
        raise StartupError(_IS_A_KEY, hint=_INSTEAD) from fault
    return KeySet(key, MappingProxyType({}), (key,))


def parse_keys(text: str, *, origin: str) -> KeySet:
    """Read a JWK or a JWK Set.

    Args:
        text: the JSON.
        origin: where it came from, for the error's text.

    Raises:
        StartupError: it is not one, the first key cannot sign, or two keys share an id.
    """
    keys = [_key(jwk, origin) for jwk in _jwks(text, origin)]
    if not keys[0].material.is_private:
        raise StartupError(f"The first key of {origin} has no private half, so it cannot sign.", hint=_WAY_OUT)
    by_id = {key.id: key for key in keys}
    if len(by_id) < len(keys):
        raise StartupError(f"Two keys of {origin} have the same id.", hint="Give each key a `kid` of its own.")
    return KeySet(keys[0], MappingProxyType(by_id))


def _jwks(text: str, origin: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise StartupError(f"The content of {origin} is not JSON.", hint=_WAY_OUT) from fault
    keys = content.get("keys", [content]) if isinstance(content, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise StartupError(f"The content of {origin} is neither a JWK nor a JWK Set.", hint=_WAY_OUT)
    return keys


def _key(jwk: dict[str, Any], origin: str) -> Key:
    parts = {name: jwk[name] for name in (*_PUBLIC, *_PRIVATE) if name in jwk}
    try:
        material = _material(parts)
        named = jwk.get("kid") or thumbprint(material.as_dict(private=False))
    except (JoseError, ValueError, TypeError, KeyError) as fault:
        raise StartupError(f"A key of {origin} cannot be read.", hint=_WAY_OUT) from fault
    algorithm = _algorithm(material)
    if algorithm is None or jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        raise StartupError(
            f"A key of {origin} is not fit for signing tokens.",
            hint=f"Use an EC key on P-256 (ES256) or an RSA key of {MIN_RSA_BITS} bits or more (RS256). {_WAY_OUT}",
        )
    return Key(str(named), (algorithm,), material)


def _material(parts: dict[str, Any]) -> ECKey | RSAKey:
    match parts.get("kty"):
        case "EC":
            return ECKey.import_key(parts)
        case "RSA":
            return RSAKey.import_key(parts)
        case other:
            raise ValueError(f"key type {other!r}")


def _algorithm(material: ECKey | RSAKey) -> str | None:
    if isinstance(material, RSAKey):
        return "RS256" if material.public_key.key_size >= MIN_RSA_BITS else None
    return "ES256" if material.curve_name == "P-256" else None
