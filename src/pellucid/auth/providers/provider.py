"""One provider: where people are sent, and who they are when they come back."""

import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey
from msgspec import Struct
from msgspec.structs import replace

from pellucid.auth.keys import Key
from pellucid.auth.opaque import as_text
from pellucid.auth.options import ProviderOptions
from pellucid.auth.providers import id_token
from pellucid.auth.providers.outside import Outside, origin
from pellucid.auth.providers.people import READERS, Person
from pellucid.errors import ProviderFailed

KEPT = 3600.0
"""Seconds for which what a provider publishes is believed."""
KEYS_PAUSE = 30.0
"""Seconds between two looks for new keys, however many tokens name unknown ones."""
APPLE_MINUTES = 5


class Endpoints(Struct, frozen=True):
    """What a provider publishes of itself (OpenID Connect Discovery 1.0, 3), or what was configured."""

    issuer: str
    authorize: str
    token: str
    user: str | None
    keys: str | None = None
    names_itself: bool = False
    """Whether its answers carry ``iss`` (RFC 9207)."""
    basic: bool = False
    """Whether it takes the client secret in the Authorization header only."""


class Sign(Struct, frozen=True):
    """The secrets of one sign-in that is under way: what ties the provider's answers to it."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """What is told of the verifier beforehand: S256 (RFC 7636, 4.2)."""
        return challenge(self.verifier)


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return as_text(hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest())


class Provider:
    """One provider, as it was configured."""

    def __init__(self, options: ProviderOptions, outside: Outside) -> None:
        self.options = options
        self.outside = outside
        urls = (options.issuer, options.authorize_url, options.token_url, options.user_url)
        self._home = {origin(url) for url in urls if url}
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, tuple[Key, ...]] = (float("-inf"), ())

    async def address(self, sign: Sign, callback: str) -> str:
        """Where to send somebody who wants to sign in.

        Raises:
            ProviderFailed: the provider cannot be reached.
        """
        query = dict(self.options.parameters) | {
            "response_type": "code",
            "client_id": self.options.client_id,
            "redirect_uri": callback,
            "scope": " ".join(self.options.scopes),
            "state": sign.state,
            "code_challenge": sign.challenge,
            "code_challenge_method": "S256",
        }
        if self.options.issuer:
            query["nonce"] = sign.nonce
        where = (await self.endpoints()).authorize
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    async def person(self, answer: Mapping[str, str], sign: Sign, callback: str) -> Person:
        """Who somebody is that comes back with an answer of the provider.

        Raises:
            ProviderFailed: the provider, or the person there, refused; or what it says is not to be believed.
        """
        endpoints = await self.endpoints()
        self._accept(answer, endpoints)
        tokens = await self._tokens(answer["code"], sign, callback, endpoints)
        told = await self._claims(tokens, sign, endpoints) if self.options.issuer else {}
        if endpoints.user and "email" not in told:
            told = await self._profile(tokens, endpoints.user, told)
        return READERS[self.options.reads](self.options.name, told)

    async def told_by(self, token: str, *, nonce: str | None = None, access_token: str | None = None) -> Person:
        """Who an ID token speaks of that one's own app got from the provider by itself, as apps of phones do.

        Args:
            token: the ID token.
            nonce: what it must have as its nonce; None where it must have none.
            access_token: what came with it, to be compared with what it says of that.

        Raises:
            ProviderFailed: it is not to be believed, or the provider gives none, or cannot be reached.
        """
        endpoints = await self.endpoints()
        if not endpoints.issuer:
            raise ProviderFailed(f"{self.options.name} gives no ID tokens.")
        claims = await self._verified(token, endpoints, nonce, (self.options.client_id, *self.options.client_ids))
        if access_token is not None:
            id_token.require_companion(token, claims, access_token)
        return READERS[self.options.reads](self.options.name, claims)

    async def endpoints(self) -> Endpoints:
        """Where to ask what; discovered once an hour where there is an issuer."""
        options = self.options
        if options.issuer is None:
            return Endpoints("", options.authorize_url or "", options.token_url or "", options.user_url)
        known = self._endpoints
        if known is None or time.monotonic() > known[0]:
            known = self._endpoints = (time.monotonic() + KEPT, await self._discovered(options.issuer))
        return known[1]

    async def _discovered(self, issuer: str) -> Endpoints:
        status, told = await self.outside.ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration", self._home)
        if status != 200 or not isinstance(told, dict):
            raise ProviderFailed(f"{self.options.name} does not say how people sign in there.")
        named = str(told.get("issuer"))
        if named != issuer and not (self.options.reads == "microsoft" and _is_template(named, issuer)):
            raise ProviderFailed(f"{self.options.name} names another issuer than the configured one.")
        urls = [told.get(f"{name}_endpoint") for name in ("authorization", "token", "userinfo")]
        authorize, token, user = (url if isinstance(url, str) else None for url in urls)
        keys = told.get("jwks_uri")
        if authorize is None or token is None or not isinstance(keys, str) or not self._sendable(authorize):
            raise ProviderFailed(f"{self.options.name} does not say how people sign in there.")
        methods = told.get("token_endpoint_auth_methods_supported")
        basic = isinstance(methods, list) and "client_secret_post" not in methods and "client_secret_basic" in methods
        itself = told.get("authorization_response_iss_parameter_supported") is True
        return Endpoints(named, authorize, token, user, keys, itself, basic)

    def _sendable(self, url: str) -> bool:
        """Whether people may be sent there: over TLS, but to a provider that was itself configured without."""
        return url.startswith("https://") or origin(url) in self._home

    def _accept(self, answer: Mapping[str, str], endpoints: Endpoints) -> None:
        told = answer.get("iss")
        if (endpoints.names_itself or (told and endpoints.issuer)) and told != endpoints.issuer:
            raise ProviderFailed("The answer is from another provider.")  # RFC 9207: a mix-up
        if "error" in answer or not answer.get("code"):
            denied = answer.get("error") == "access_denied"
            reason = "The sign-in was not allowed there" if denied else "The sign-in failed there"
            raise ProviderFailed(f"{reason}.")

    async def _tokens(self, code: str, sign: Sign, callback: str, endpoints: Endpoints) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": sign.verifier,
            "client_id": self.options.client_id,
        }
        headers: dict[str, str] = {}
        if secret := self._secret():
            if endpoints.basic:
                headers["Authorization"] = _basic(self.options.client_id, secret)
            else:
                form["client_secret"] = secret
        status, told = await self.outside.ask(endpoints.token, self._home, form=form, headers=headers)
        if status != 200 or not isinstance(told, dict) or not isinstance(told.get("access_token"), str):
            raise ProviderFailed(f"{self.options.name} did not take the code.")
        return told

    async def _claims(self, tokens: Mapping[str, Any], sign: Sign, endpoints: Endpoints) -> Mapping[str, Any]:
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed(f"{self.options.name} gave no ID token.")
        return await self._verified(token, endpoints, sign.nonce, (self.options.client_id,))

    async def _verified(
        self, token: str, endpoints: Endpoints, nonce: str | None, client_ids: tuple[str, ...]
    ) -> Mapping[str, Any]:
        claims = None
        for fresh in (False, True):
            claims = claims or id_token.verify(
                token,
                await self._public_keys(endpoints, fresh=fresh),
                issuer=endpoints.issuer,
                client_ids=client_ids,
                nonce=nonce,
                now=int(time.time()),
            )
        if claims is None:
            raise ProviderFailed("The provider's ID token is not good: no key of the provider fits it.")
        return claims

    async def _public_keys(self, endpoints: Endpoints, *, fresh: bool) -> tuple[Key, ...]:
        age = time.monotonic() - self._keys[0]
        if age > (KEYS_PAUSE if fresh else KEPT) and endpoints.keys:
            _, told = await self.outside.ask(endpoints.keys, self._home)
            self._keys = (time.monotonic(), id_token.public_keys(told))
        return self._keys[1]

    async def _profile(self, tokens: Mapping[str, Any], url: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the provider tells of somebody beside the ID token; it must speak of the same one (OpenID Connect Core 1.0, 5.3.2)."""
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        status, profile = await self.outside.ask(url, self._home, headers=headers)
        if status != 200 or not isinstance(profile, dict):
            raise ProviderFailed(f"{self.options.name} did not say who signed in.")
        if told and profile.get("sub") != told.get("sub"):
            raise ProviderFailed(f"{self.options.name} speaks of two people.")
        if self.options.reads == "github":
            _, emails = await self.outside.ask(f"{url}/emails", self._home, headers=headers)
            profile = profile | {"emails": emails if isinstance(emails, list) else []}
        return dict(profile) | dict(told)

    def _secret(self) -> str | None:
        """The client secret; where it is a token, a new one (Apple's is signed with a key of one's own)."""
        options = self.options
        if options.secret_key is None:
            return options.client_secret
        now = int(time.time())
        claims = {"iss": options.team, "iat": now, "exp": now + APPLE_MINUTES * 60, "sub": options.client_id}
        header = {"alg": "ES256", "kid": options.key_id or ""}
        return jwt.encode(header, claims | {"aud": options.issuer}, ECKey.import_key(options.secret_key))


def configured(options: ProviderOptions, preset: Mapping[str, Any]) -> ProviderOptions:
    """The options with what is known of the provider, where nothing else was configured."""
    blank = ProviderOptions(options.name, options.client_id)
    known = {name: value for name, value in preset.items() if getattr(options, name) == getattr(blank, name)}
    return replace(options, **known)


def _is_template(named: str, issuer: str) -> bool:
    """Whether Microsoft's document for many tenants names the issuer of each."""
    head, _, tail = issuer.partition("/common/")
    return bool(tail) and named == f"{head}/{{tenantid}}/{tail}"


def _basic(user: str, password: str) -> str:
    """HTTP Basic with both parts encoded for a form first (RFC 6749, 2.3.1)."""
    both = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"
