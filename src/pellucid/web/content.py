"""What a body says it is. A browser can send any body anywhere, but not with the content type of JSON without asking first."""

from email.message import Message
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import Request

from pellucid.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType

FORM = "application/x-www-form-urlencoded"
FORM_FIELDS = 20
FORM_BYTES = 64 * 1024
"""Sign-in forms have a handful of short fields."""


def media_type(headers: Headers) -> str:
    """The media type of the body in lower case, without parameters; empty where the header is missing or makes no sense."""
    values = headers.getlist("content-type")
    if len(values) != 1:
        return ""
    message = Message()
    message["content-type"] = values[0]
    return message.get_content_type() if "/" in values[0] else ""


def is_json(headers: Headers) -> bool:
    """Whether the body says it is JSON: ``application/json``, or any ``application/…+json`` (RFC 6839)."""
    named = media_type(headers)
    return named.startswith("application/") and (named == "application/json" or named.endswith("+json"))


def require_json(headers: Headers) -> None:
    """Refuse to take a body for JSON that does not say so.

    Pages of other origins can send text and forms with a visitor's cookies, unasked; taking those for JSON is how requests are
    forged (CVE-2021-32677).

    Raises:
        UnsupportedMediaType: the content type is missing, is another one, or the body is compressed.
    """
    refuse_encoded(headers)
    if not is_json(headers):
        said = headers.get("content-type")
        what = f"it says {said[:100]}" if said else "it does not say what it is"
        raise UnsupportedMediaType(f"The body must say that it is JSON, and {what}.")


def refuse_encoded(headers: Headers) -> None:
    """Refuse compressed bodies: a few bytes could unfold into gigabytes (RFC 9110, 8.4).

    Raises:
        UnsupportedMediaType: the body is compressed.
    """
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(
            f"Bodies with the content encoding {encoding[:50]} are not read.",
            hint="Send the body as it is, without Content-Encoding.",
        )


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small url-encoded form (the OAuth 2 token request, RFC 6749, 4.3.2). Multipart is not read.

    Raises:
        UnsupportedMediaType: it is no such form.
        BodyTooLarge: it has more than `FORM_BYTES` bytes.
        MalformedBody: it is not UTF-8, has more than `FORM_FIELDS` fields, or names one twice.
    """
    refuse_encoded(request.headers)
    if media_type(request.headers) != FORM:
        raise UnsupportedMediaType("This route reads forms.", hint=f"Send the header Content-Type: {FORM}.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_BYTES:
            raise BodyTooLarge(f"The form has more than {FORM_BYTES} bytes.")
    return _fields(bytes(body))


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise MalformedBody("The form is not UTF-8 text.") from None
    except ValueError:
        raise MalformedBody(f"The form has more than {FORM_FIELDS} fields.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedBody("The form names a field twice.", hint="Send each field once (RFC 6749, 3.2).")
    return fields
