"""New passwords, and what is said of those that are too weak."""

from pellucid.auth.gotrue.call import invalid
from pellucid.auth.passwords import MAX_BYTES, MIN_LENGTH, normalised, resembles, weakness
from pellucid.errors import AuthRefused


def require_fit(password: str, email: str | None) -> None:
    """Go on only with a password that an account may have.

    Raises:
        AuthRefused: it is too weak, or too long.
    """
    if len(password.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise invalid(f"Password cannot be longer than {MAX_BYTES} bytes")
    if len(normalised(password)) < MIN_LENGTH:
        raise weak(f"Password should be at least {MIN_LENGTH} characters.", "length")
    if weakness(password) or (email and resembles(password, email)):
        raise weak("Password is known to be weak and easy to guess, please choose a different one.", "pwned")


def weak(message: str, *reasons: str) -> AuthRefused:
    """The refusal of a weak password."""
    return AuthRefused(422, "weak_password", message, reasons=reasons)
