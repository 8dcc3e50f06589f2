"""The ceremonies of WebAuthn (level 2; level 3's JSON): what a browser is asked for, and whether its answer is good. Pure; the signatures
are checked by the library ``webauthn``, whose import takes a while: import this module by `pellucid.later`."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, parse_registration_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pellucid.auth.factors.passkeys import Asserted, Registered, Site, refused
from pellucid.auth.factors.tables import Credential
from pellucid.auth.tables import User

MILLISECONDS = 300_000
MALFORMED = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What the library raises for an answer that is no good, or no answer at all."""


def creation(site: Site, user: User, challenge: bytes, known: Iterable[Credential]) -> dict[str, Any]:
    """What ``navigator.credentials.create`` is asked for. A device that holds one of the ``known`` is not asked again."""
    name = user.email or user.phone or str(user.id)
    options = generate_registration_options(
        rp_id=site.name,
        rp_name=site.name,
        user_id=user.id.bytes,
        user_name=name,
        user_display_name=name,
        challenge=challenge,
        timeout=MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_described(known),
    )
    return dict(json.loads(options_to_json(options))) | {"extensions": {"credProps": True}}


def request(site: Site, challenge: bytes, known: Iterable[Credential], *, alone: bool = False) -> dict[str, Any]:
    """What ``navigator.credentials.get`` is asked for: one of the ``known``, or any where there are none. A passkey that signs in
    ``alone`` must make sure of its owner."""
    wanted = UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.PREFERRED
    options = generate_authentication_options(
        rp_id=site.name,
        challenge=challenge,
        timeout=MILLISECONDS,
        allow_credentials=_described(known),
        user_verification=wanted,
    )
    return dict(json.loads(options_to_json(options)))


def challenge_in(answer: Mapping[str, Any]) -> bytes:
    """The challenge that an answer says it answers.

    Raises:
        FactorRefused: it says none.
    """
    try:
        told = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
        return base64url_to_bytes(told["challenge"])
    except (*MALFORMED, RecursionError) as fault:
        raise refused() from fault


def id_in(answer: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The id of the passkey that answers, and the account that it says it is of (empty where it says none).

    Raises:
        FactorRefused: there is no id.
    """
    try:
        return base64url_to_bytes(answer["rawId"]), base64url_to_bytes(answer["response"].get("userHandle") or "")
    except MALFORMED as fault:
        raise refused() from fault


def registered(site: Site, answer: Mapping[str, Any], challenge: bytes) -> Registered:
    """The passkey that an answer brings (WebAuthn, 7.1).

    Raises:
        FactorRefused: the answer is not good.
    """
    try:
        credential = parse_registration_credential_json(dict(answer))
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=list(site.origins),
        )
        return Registered(
            made.credential_id,
            made.credential_public_key,
            made.sign_count,
            [transport.value for transport in credential.response.transports or ()],
            UUID(made.aaguid),
            made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            made.credential_backed_up,
            _says_discoverable(answer),
        )
    except MALFORMED as fault:
        raise refused() from fault


def asserted(
    site: Site, answer: Mapping[str, Any], challenge: bytes, known: Credential, *, alone: bool = False
) -> Asserted:
    """What an answer of a known passkey proves (WebAuthn, 7.2).

    Raises:
        FactorRefused: the answer is not good, or its counter has not grown: there may be a copy of the passkey.
    """
    try:
        proved = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=list(site.origins),
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=alone,
        )
    except MALFORMED as fault:
        raise refused() from fault
    return Asserted(proved.new_sign_count, proved.credential_backed_up, proved.user_verified)


def _described(known: Iterable[Credential]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id, transports=[AuthenticatorTransport(name) for name in each.transports]
        )
        for each in known
    ]


def _says_discoverable(answer: Mapping[str, Any]) -> bool:
    match answer.get("clientExtensionResults"):
        case {"credProps": {"rk": bool(found)}}:
            return found
        case _:
            return False
