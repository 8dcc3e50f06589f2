"""Codes of an app, one every half minute (RFC 6238): their secret, the address and the picture that bring it there, and their check."""

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pellucid.later import later

if TYPE_CHECKING:
    import pyotp
    import segno
else:
    pyotp, segno = later("pyotp"), later("segno")

STEP = 30
"""Seconds for which a code is the present one."""
DRIFT = 1
"""Steps by which the clock of the app may differ."""
DIGITS = 6


def new_secret() -> str:
    """160 random bits in Base32, as apps want them (RFC 4226, 4)."""
    return pyotp.random_base32()


def address(secret: str, account: str, public_url: str) -> str:
    """The ``otpauth://`` address; the issuer is the host that people reach this server at."""
    issuer = urlsplit(public_url).hostname or "Pellucid"
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def picture(uri: str) -> str:
    """The address as a QR code, an SVG that is a whole address by itself (``data:``, RFC 2397)."""
    return str(segno.make(uri, error="m").svg_data_uri(scale=4))


def bitmap(uri: str) -> str:
    """The same as a PNG."""
    return str(segno.make(uri, error="m").png_data_uri(scale=4))


def step_of(secret: str, code: str, now: float) -> int | None:
    """The step whose code this is, the present one or a neighbour; None where it is of none. All are compared, whichever fits.

    Args:
        secret: in Base32.
        code: as it was typed.
        now: seconds since 1970.
    """
    typed = code.replace(" ", "")
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    codes, present = pyotp.TOTP(secret), int(now) // STEP
    steps = range(max(0, present - DRIFT), present + DRIFT + 1)
    return max((step for step in steps if hmac.compare_digest(codes.generate_otp(step), typed)), default=None)
