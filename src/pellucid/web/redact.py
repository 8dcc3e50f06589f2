"""What must never reach a log: secrets are blotted out, and nothing can pretend to be another line or move the cursor."""

import re
from urllib.parse import unquote_plus

BLOT = "***"

_SECRET_WORDS = (
    "password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "api-key", "authorization", "cookie", "credential",
    "session", "signature", "jwt", "otp", "private_key",
)  # fmt: skip
_SECRET_NAMES = frozenset({"code", "key", "sig", "pwd", "pass", "auth", "nonce", "assertion"})
_STATE = "state"
"""A column like any other, or what binds a sign-in with others to a browser (RFC 6749, 10.12)."""
_BESIDE_STATE = frozenset({"code", "error", "client_id", "redirect_uri", "response_type", "id_token"})
_RANDOM = re.compile(r"[\w-]{16,}")

_NAMED = rf"(?<![\w-])(?=[\w-]*?(?:{'|'.join(_SECRET_WORDS)}))[\w-]++"
"""A whole word with a telling name in it. It is tried once a word and never goes back, so that no input takes long."""

_QUOTED = r"\"[^\"]*+\"?|'[^']*+'?"
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic|digest|negotiate)\s++[A-Za-z0-9._~+/=-]{4,}+"), rf"\1 {BLOT}"),
    (re.compile(r"(?<![\w-])eyJ[\w-]++\.[\w.-]*+"), BLOT),
    (re.compile(r"pellucid_key_[\w-]++"), BLOT),
    (re.compile(r"\$argon2\w*+\$[^\s\"']++"), BLOT),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), BLOT),
    (re.compile(r"(://[^\s:/@\"']*+):[^\s/@\"']++@"), rf"\1:{BLOT}@"),
    (re.compile(r"(?i)(?<![\w.+-])(?<!://)[\w.+-]++(?:@|%40)[\w-]++(?:\.[\w-]++)++"), BLOT),
    (re.compile(rf"(?i)({_NAMED}[\"']\s*+[,:=]\s*+b?)(?:{_QUOTED})"), rf"\1{BLOT}"),
    (re.compile(rf"(?i)({_NAMED}[\"']?\s*+[=:]\s*+)(?:{_QUOTED}|[^\s,;&)}}\]\"']++)"), rf"\1{BLOT}"),
)

_TRACES = (
    *_SECRET_WORDS,
    "bearer",
    "basic",
    "digest",
    "negotiate",
    "eyj",
    "$argon2",
    "private key",
    "pellucid_key_",
    "://",
    "@",
    "%40",
)
"""In lower case: a text without any of these has no secret that the patterns would find. Nearly all texts have none."""

_CONTROL = (
    {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
    | {
        ord("\n"): "\\n",
        ord("\r"): "\\r",
        ord("\t"): "\\t",
        ord("\u2028"): "\\u2028",
        ord("\u2029"): "\\u2029",
    }
    | {
        code: f"\\u{code:04x}"
        for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
    }
)


def redact(text: str) -> str:
    """The text without what looks like a secret: tokens, passwords in URLs, password hashes, ``name=value`` of telling names; and e-mail
    addresses, which are nobody's business in a log."""
    if is_suspect(text):
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
    return text


def is_suspect(text: str) -> bool:
    """Whether a text may hold a secret; one that may not is the same after `redact`, and so is every part of it."""
    lower = text.lower()
    for trace in _TRACES:  # noqa: SIM110 - once a request, and a generator takes twice as long
        if trace in lower:
            return True
    return False


def escape(text: str) -> str:
    """The text with control characters spelled out: no new line, no ANSI sequence, no invisible or reordering character is left."""
    return text if text.isascii() and text.isprintable() else text.translate(_CONTROL)


def mask_query(query: str) -> str:
    """A query string with the values of telling names blotted out, also where the name is percent-encoded or inside of a value."""
    if not query or _is_plain(query):
        return query
    pairs = query.split("&")
    signing_in = not _BESIDE_STATE.isdisjoint([pair.partition("=")[0].lower() for pair in pairs])
    return "&".join([_mask_pair(pair, signing_in=signing_in) for pair in pairs])


def _is_plain(query: str) -> bool:
    """Whether nothing in a query can be secret, as in nearly all of them; found out at once instead of pair by pair."""
    if "%" in query or is_suspect(query):
        return False
    return _NOT_PLAIN.isdisjoint([pair.partition("=")[0].lower() for pair in query.split("&")])


_NOT_PLAIN = _SECRET_NAMES | {_STATE}


def _mask_pair(pair: str, *, signing_in: bool) -> str:
    name, equals, value = pair.partition("=")
    plain, said = unquote_plus(name), unquote_plus(value)
    binds = plain.lower() == _STATE and (signing_in or _RANDOM.fullmatch(said) is not None)
    if equals and (binds or is_secret(plain) or _tells(said)):
        return f"{name}={BLOT}"
    return redact(pair) if not equals else f"{name}={redact(value)}"


def is_secret(name: str) -> bool:
    """Whether a field of this name should not be shown."""
    plain = name.lower()
    return plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS)


def _tells(value: str) -> bool:
    """Whether a value has such names inside, as ``or=(password.eq.x,age.gt.3)`` does."""
    plain = value.lower()
    return ("." in plain or "=" in plain) and any(word in plain for word in _SECRET_WORDS)
