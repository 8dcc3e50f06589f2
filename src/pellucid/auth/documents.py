"""What OpenAPI says about the accounts' routes beside their models: errors, headers and the sign-in form."""

from collections.abc import Mapping
from typing import Any

from pellucid.errors import (
    BeyondLimit,
    BodyTooLarge,
    Duplicate,
    FactorRefused,
    FeatureOff,
    Forbidden,
    InvalidFields,
    LastWayIn,
    MalformedBody,
    MessageNotSent,
    PellucidError,
    ProofRefused,
    ProviderFailed,
    RowNotFound,
    SessionEnded,
    StepUpRequired,
    TooManyAttempts,
    Unauthenticated,
    UnknownProvider,
    UnsupportedMediaType,
    WrongCredentials,
)

Responses = dict[int | str, dict[str, Any]]


def _problem(error: type[PellucidError], detail: str, **headers: str) -> dict[str, Any]:
    """An error as OpenAPI describes it, with an example of its body (RFC 9457)."""
    example = {
        "type": f"/docs/errors/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": detail,
        "code": error.code,
        "hint": error.way_out,
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    described = {"description": detail, "content": {"application/problem+json": {"schema": schema, "example": example}}}
    return described | ({"headers": _headers(headers)} if headers else {})


def _headers(described: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.replace("_", "-"): {"description": text, "schema": {"type": "string"}} for name, text in described.items()
    }


_CHALLENGE = "What is wrong with the token (RFC 6750, 3)."
_OFF: Responses = {
    503: _problem(FeatureOff, "Accounts are off, or too many sign in at once.", Retry_After="Seconds to wait.")
}
_BODY: Responses = {
    400: _problem(MalformedBody, "The body is not JSON."),
    413: _problem(BodyTooLarge, "The body is larger than this server reads."),
    415: _problem(UnsupportedMediaType, "The body does not say that it is JSON."),
    422: _problem(InvalidFields, "Some fields are not valid; errors lists all of them."),
}
_CALLER: Responses = {
    401: _problem(
        Unauthenticated, "No access token came with the request, or none that is good.", WWW_Authenticate=_CHALLENGE
    ),
    422: _problem(InvalidFields, "A parameter is not valid."),
}

_OFTEN: Responses = {
    429: _problem(TooManyAttempts, "Too many attempts in a short time.", Retry_After="Seconds to wait.")
}
_REFUSED: Responses = {403: _problem(Forbidden, "The account is banned or not verified, or a hook said no.")}

SIGN_UP: Responses = {
    201: {"headers": _headers({"Location": "The new account's own address: /users/{id}."})},
    **_BODY,
    409: _problem(Duplicate, "This e-mail address has an account already."),
    **_REFUSED,
    **_OFTEN,
    **_OFF,
}
SIGN_IN: Responses = {
    200: {"headers": _headers({"Cache_Control": "no-store: a token must not be kept by caches."})},
    **_BODY,
    401: _problem(WrongCredentials, "The e-mail address and the password do not belong together."),
    **_REFUSED,
    **_OFTEN,
    **_OFF,
}
SIGN_IN_BROWSER: Responses = {
    **{status: answer for status, answer in SIGN_IN.items() if status != 200},
    201: {"headers": _headers({"Set_Cookie": "The session: __Host-pellucid.", "Location": "/sessions/{id}."})},
}
REFRESH: Responses = {
    200: SIGN_IN[200],
    **_BODY,
    401: _problem(SessionEnded, "The session has ended, or the refresh token was used before."),
    **_REFUSED,
    **_OFTEN,
    **_OFF,
}
ASK: Responses = {**_BODY, **_OFTEN, **_OFF}
PROVE: Responses = {
    **_BODY,
    401: _problem(ProofRefused, "The link or the code is not good."),
    **_REFUSED,
    **_OFTEN,
    **_OFF,
}
TOKEN: Responses = {
    200: {"headers": _headers({"Cache_Control": "no-store: a token must not be kept by caches."})},
    400: {"description": "Why there is no token, in the words of OAuth 2.0 (RFC 6749, 5.2)."},
    413: _BODY[413],
    **_REFUSED,
    **_OFTEN,
    **_OFF,
}
ME: Responses = {**_CALLER, 403: _problem(Forbidden, "The token belongs to a service, not to an account."), **_OFF}
CHANGE: Responses = {**_BODY, **_CALLER, 403: _problem(Forbidden, "A second factor is needed first."), **_OFTEN, **_OFF}
PHONE: Responses = {
    **CHANGE,
    503: _problem(
        MessageNotSent, "Nobody sends text messages here, or it did not work.", Retry_After="Seconds to wait."
    ),
}
PHONE_PROVED: Responses = {
    **CHANGE,
    401: PROVE[401],
    409: _problem(Duplicate, "Another account has this phone number."),
}
_OFTEN_AND_OFF: Responses = {**_REFUSED, **_OFTEN, **_OFF}
_NOT_PROVED: Responses = {401: _problem(FactorRefused, "No token came, or the code, passkey or challenge is not good.")}
_NO_FACTOR: Responses = {404: _problem(RowNotFound, "There is no factor of this id that is yours.")}
_STEP_UP: Responses = {403: _problem(StepUpRequired, "The session has not proved a second factor of the account.")}
FACTOR_BEGUN: Responses = {
    **_CALLER,
    **_BODY,
    **_STEP_UP,
    409: _problem(Duplicate, "A factor of yours has this name already."),
    **_OFTEN,
    **_OFF,
}
FACTOR_ASKED: Responses = {**_CALLER, **_REFUSED, **_NO_FACTOR, **_OFTEN, **_OFF}
FACTOR_PROVED: Responses = {200: SIGN_IN[200], **_BODY, **_NOT_PROVED, **_STEP_UP, **_NO_FACTOR, **_OFTEN, **_OFF}
FACTOR_RENAMED: Responses = {**FACTOR_BEGUN, **_NO_FACTOR}
FACTOR_MANAGED: Responses = {**_CALLER, **_STEP_UP, **_OFF}
FACTOR_GONE: Responses = {**FACTOR_MANAGED, **_NO_FACTOR}
PASSKEY_ASKED: Responses = {**_OFTEN, **_OFF}
PASSKEY_PROVED: Responses = {200: SIGN_IN[200], **_BODY, **_NOT_PROVED, **_OFTEN_AND_OFF}
PASSKEY_PROVED_BROWSER: Responses = {
    **{status: answer for status, answer in PASSKEY_PROVED.items() if status != 200},
    201: SIGN_IN_BROWSER[201],
}
USERS: Responses = {**_CALLER, **_OFF}
USER: Responses = {**_CALLER, 404: _problem(RowNotFound, "There is no account of this id that you may see."), **_OFF}
_OPERATOR: Responses = {
    401: _CALLER[401],
    403: _problem(Forbidden, "The caller is no operator, or a hook said no."),
    404: _problem(RowNotFound, "There is no such account."),
    409: _problem(Duplicate, "Another account has this already, or rows of the application refer to the account."),
    422: _CALLER[422],
    **_OFF,
}
ADMIN_READ: Responses = _OPERATOR
ADMIN: Responses = {**_OPERATOR, **_BODY}

_NO_PROVIDER: Responses = {404: _problem(UnknownProvider, "Nobody can sign in with such a provider here.")}
_ELSEWHERE: Responses = {401: _problem(ProviderFailed, "The provider cannot be reached.")}
LEAVE: Responses = {
    303: {"headers": _headers({"Location": "The provider.", "Set_Cookie": "What ties the sign-in to this browser."})},
    **_ELSEWHERE,
    **_NO_PROVIDER,
    422: _CALLER[422],
    **_OFTEN,
    **_OFF,
}
LINK: Responses = {**ME, **_NO_PROVIDER, **_OFTEN}
UNLINK: Responses = {
    **ME,
    404: _problem(RowNotFound, "There is no such one."),
    409: _problem(LastWayIn, "The last one."),
}
ANONYMOUS: Responses = {201: SIGN_IN[200], **_REFUSED, **_OFTEN, **_OFF}
COMPLETE: Responses = {**SIGN_UP, 401: _CALLER[401]}
API_KEY: Responses = {**CHANGE, 400: _problem(BeyondLimit, "There are too many keys."), 201: SIGN_IN[200]}

TOKEN_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "username", "password"],
                    "properties": {
                        "grant_type": {"type": "string", "const": "password", "default": "password"},
                        "username": {
                            "type": "string",
                            "description": "The e-mail address.",
                            "examples": ["ada@example.com"],
                        },
                        "password": {"type": "string", "format": "password", "writeOnly": True},
                    },
                }
            }
        },
    }
}
