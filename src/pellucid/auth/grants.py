"""The password grant of OAuth 2.0 (RFC 6749, 4.3), read from a form. The page at /docs signs in this way."""

from pydantic import SecretStr, ValidationError
from starlette.requests import Request

from pellucid.auth.schemas import GrantRefusal, SignIn
from pellucid.errors import RequestError
from pellucid.web.content import read_form


class GrantRefused(Exception):
    """No token is given; ``refusal`` is what the client is told."""

    def __init__(self, refusal: GrantRefusal) -> None:
        super().__init__(refusal.error)
        self.refusal = refusal


async def read_password_grant(request: Request) -> SignIn:
    """The address and the password in a form. Fields that mean nothing here are passed over, as the standard wants it.

    Raises:
        GrantRefused: it is no such form, or asks for another grant.
    """
    fields = await _fields(request)
    match fields:
        case {"grant_type": "password", "username": username, "password": password}:
            return _sign_in(username, password)
        case {"grant_type": "password"}:
            raise _malformed("Send username (the e-mail address) and password.")
        case {"grant_type": _}:
            raise GrantRefused(
                GrantRefusal(error="unsupported_grant_type", error_description="Only grant_type=password is supported.")
            )
        case _:
            raise _malformed("Send grant_type=password, username (the e-mail address) and password.")


async def _fields(request: Request) -> dict[str, str]:
    try:
        return await read_form(request)
    except RequestError as fault:
        raise _malformed(fault.message) from fault


def _sign_in(username: str, password: str) -> SignIn:
    try:
        return SignIn(email=username, password=SecretStr(password))
    except ValidationError:
        raise _malformed("The username or the password is too long.") from None


def _malformed(description: str) -> GrantRefused:
    return GrantRefused(GrantRefusal(error="invalid_request", error_description=description))
