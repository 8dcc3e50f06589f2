"""The grants of OAuth 2.0 that are given here: a password, and a refresh token (RFC 6749, 4.3 and 6). /docs signs in this way."""

from pydantic import SecretStr, TypeAdapter, ValidationError
from starlette.requests import Request

from pellucid.auth.schemas import GrantRefusal, SignIn
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import RequestError
from pellucid.web.content import is_json, read_form, refuse_encoded

_FIELDS: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


class RefreshGrant(Discreet, frozen=True):
    """A refresh token, to be exchanged for the next."""

    token: Hidden[str]


class GrantRefused(Exception):
    """No token is given; ``refusal`` is what the client is told."""

    def __init__(self, refusal: GrantRefusal) -> None:
        super().__init__(refusal.error)
        self.refusal = refusal


async def read_grant(request: Request) -> SignIn | RefreshGrant:
    """The fields of a form, or of a JSON object. Those that mean nothing here are passed over, as the standard wants it.

    Raises:
        GrantRefused: it is neither, or asks for another grant.
    """
    match await _fields(request):
        case {"grant_type": "password", "username": username, "password": password}:
            return _sign_in(username, password)
        case {"grant_type": "password"}:
            raise _malformed("Send username (the e-mail address) and password.")
        case {"grant_type": "refresh_token", "refresh_token": token} if token:
            return RefreshGrant(token)
        case {"grant_type": "refresh_token"}:
            raise _malformed("Send refresh_token.")
        case {"grant_type": _}:
            raise GrantRefused(
                GrantRefusal(
                    error="unsupported_grant_type",
                    error_description="Only grant_type=password and grant_type=refresh_token are supported.",
                )
            )
        case _:
            raise _malformed("Send grant_type=password, username (the e-mail address) and password.")


async def _fields(request: Request) -> dict[str, str]:
    try:
        if is_json(request.headers):
            refuse_encoded(request.headers)
            return _FIELDS.validate_json(await request.body())
        return await read_form(request)
    except RequestError as fault:
        raise _malformed(fault.message) from fault
    except ValidationError:
        raise _malformed("The body is no JSON object with texts in it.") from None


def _sign_in(username: str, password: str) -> SignIn:
    try:
        return SignIn(email=username, password=SecretStr(password))
    except ValidationError:
        raise _malformed("The username or the password is too long.") from None


def _malformed(description: str) -> GrantRefused:
    return GrantRefused(GrantRefusal(error="invalid_request", error_description=description))
