"""Passkeys and security keys as values: for whom they are, what they bring, and how they are refused."""

from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import Struct

from pellucid.discreet import Discreet, Hidden
from pellucid.errors import FactorRefused, FeatureOff


class Site(Struct, frozen=True):
    """For whom a passkey is: the name that browsers bind it to (the RP id), and the origins of the pages that may ask for it."""

    name: str
    origins: tuple[str, ...]


class Registered(Discreet, frozen=True):
    """A new passkey."""

    credential_id: bytes
    public_key: Hidden[bytes]
    sign_count: int
    transports: list[str]
    aaguid: UUID
    backup_eligible: bool
    backed_up: bool
    discoverable: bool


class Asserted(Struct, frozen=True):
    """A passkey that signed: its counter now, and whether it made sure of its owner (by a finger, a face or a PIN)."""

    sign_count: int
    backed_up: bool
    user_verified: bool


def site_of(public_url: str) -> Site:
    """The site of the configured public URL. Browsers know no passkeys of addresses, so that of this very machine is ``localhost``.

    Raises:
        FeatureOff: the URL names another address.
    """
    parts = urlsplit(public_url)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        return Site(host, (f"{parts.scheme}://{host}{port}",))
    if not loopback:
        raise FeatureOff(
            "Passkeys need a name, and public_url is an address.", hint="Set public_url to https://a.name."
        )
    return Site("localhost", (f"{parts.scheme}://localhost{port}",))


def refused() -> FactorRefused:
    """The one refusal of whatever does not prove a factor."""
    return FactorRefused("This does not prove the factor.")
