"""The keys of others whose tokens are accepted: a secret, a JWK, a JWK Set or a key in PEM, as PostgREST's ``jwt-secret``."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from pellucid.auth.keys import MIN_RSA_BITS, MIN_SECRET, Key, KeyOptions, KeySet, load_keys, shared_secret
from pellucid.errors import StartupError

Material = ECKey | RSAKey | OctKey | OKPKey
KINDS: Mapping[str, type[Material]] = {"EC": ECKey, "RSA": RSAKey, "oct": OctKey, "OKP": OKPKey}
CURVES = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA", "Ed25519")}
SECRET = ("HS256", "HS384", "HS512")
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")

_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "k", "d", "p", "q", "dp", "dq", "qi")
_SIZES = {
    "oct": ("k", (MIN_SECRET * 8 + 5) // 6, f"at least {MIN_SECRET} bytes"),
    "RSA": ("n", (MIN_RSA_BITS + 5) // 6, f"at least {MIN_RSA_BITS} bits"),
}
"""How many letters of base64 these members need; the library warns of weak keys where it should refuse them."""
_ORIGIN = "jwt_secret"
_WAY_OUT = "Give a secret of 32 bytes or more, a JWK, a JWK Set or a public key in PEM."


def open_keys(secret: bytes | None, options: KeyOptions) -> KeySet:
    """The keys of an instance: its own, and those of ``secret`` (`trusted_keys`).

    Where no key of its own is configured, the first of the others' keys that can sign does so. Where none can, the instance makes its
    own as usual; production, which makes none, then signs nothing.

    Raises:
        StartupError: a key is missing, cannot be read, or is too weak.
    """
    if secret is None:
        return load_keys(options)
    trusted = trusted_keys(secret)
    signing = next((key for key in trusted if key.material.is_private), None)
    if options.configured or (signing is None and options.available):
        own = load_keys(options)
        return KeySet(own.signer, own.verifying, trusted)
    return KeySet(signing, MappingProxyType({}), trusted)


def trusted_keys(secret: bytes) -> tuple[Key, ...]:
    """Read what others' tokens are checked with.

    Raises:
        StartupError: nothing in it can check a token, or it is too weak.
    """
    match secret.lstrip()[:10]:
        case start if start.startswith(b"{"):
            keys = tuple(_set(_json(secret)))
        case b"-----BEGIN":
            keys = (_pem(secret),)
        case _:
            keys = shared_secret(secret).trusted
    if not keys:
        raise StartupError(f"No key of {_ORIGIN} can check a token.", hint=_WAY_OUT)
    return keys


def _json(secret: bytes) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(secret)
    except (ValueError, RecursionError) as fault:
        raise StartupError(f"The content of {_ORIGIN} is not JSON.", hint=_WAY_OUT) from fault
    return content


def _set(content: dict[str, Any]) -> Iterator[Key]:
    """The keys of a JWK or a JWK Set that are there to check signatures; those of other kinds are passed over (RFC 7517, 5)."""
    jwks = content.get("keys", [content])
    for jwk in jwks if isinstance(jwks, list) else [None]:
        if not isinstance(jwk, dict):
            raise StartupError(f"The content of {_ORIGIN} is neither a JWK nor a JWK Set.", hint=_WAY_OUT)
        if jwk.get("kty") not in KINDS or jwk.get("use", "sig") != "sig":
            continue
        material = _material(jwk)
        algorithms = _algorithms(material, jwk.get("alg"))
        if algorithms:
            yield Key(str(jwk.get("kid", "")), algorithms, material)


def _material(jwk: dict[str, Any]) -> Material:
    parts = {name: jwk[name] for name in _MEMBERS if name in jwk}
    member, letters, needs = _SIZES.get(jwk["kty"], ("kty", 0, ""))
    _require(len(str(parts.get(member, "-" * letters))) >= letters, needs)
    try:
        return KINDS[jwk["kty"]].import_key(parts)
    except (JoseError, ValueError, TypeError, KeyError) as fault:
        raise StartupError(f"A key of {_ORIGIN} cannot be read.", hint=_WAY_OUT) from fault


def _pem(text: bytes) -> Key:
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            material: Material = kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
        if algorithms := _algorithms(material, None):
            return Key("", algorithms, material)
    raise StartupError(f"The key in {_ORIGIN} cannot be read, or is of no kind that checks tokens.", hint=_WAY_OUT)


def _algorithms(material: Material, named: object) -> tuple[str, ...]:
    """Those that a key may check; the one it names, if that is of its kind."""
    match material:
        case OctKey():
            family: tuple[str, ...] = SECRET
        case RSAKey():
            _require(material.public_key.key_size >= MIN_RSA_BITS, f"at least {MIN_RSA_BITS} bits")
            family = RSA
        case _:
            family = CURVES.get(material.curve_name, ())
    return family if named is None else tuple(each for each in family if each == named)


def _require(strong: bool, needs: str) -> None:
    if not strong:
        raise StartupError(f"A key of {_ORIGIN} is too short; it needs {needs}.", hint=_WAY_OUT)
