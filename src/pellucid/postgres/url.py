"""URLs of databases: in the form that PostgreSQL's programs read, and without their passwords."""

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from pellucid.errors import StartupError

_SCHEMES = ("postgresql", "postgres")
_SECRET = ("password", "sslpassword")
_HIDDEN = "***"
_PAIR = re.compile(r"\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|$)", re.DOTALL)
_PAIRS = re.compile(rf"(?:{_PAIR.pattern})+\s*", re.DOTALL)


def plain_url(url: str) -> str:
    """The URL as PostgreSQL's own programs understand it: `postgresql+asyncpg://` becomes `postgresql://`, and so does the other form
    that they read, `host=localhost dbname=app` (PostgreSQL, 34.1.1.1).

    Raises:
        StartupError: it is no URL of a PostgreSQL database (PostgreSQL, 34.1.1.2).
    """
    if _PAIRS.fullmatch(url):
        return _join("", "", "", [(pair[1], _value(pair[2])) for pair in _PAIR.finditer(url)])
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.partition("+")[0].lower() not in _SCHEMES:
        raise StartupError(
            "The database URL is not one of PostgreSQL's.",
            hint="Write it as postgresql://user:password@host:5432/database.",
        )
    return f"postgresql://{rest}"


def without_password(url: str) -> str:
    """The URL for people to read, with `***` where a secret stands."""
    user, host, path, query = _parts(url)
    name, colon, _ = user.partition(":")
    shown = [(key, _HIDDEN if key in _SECRET else value) for key, value in query]
    return _join(f"{name}:{_HIDDEN}" if colon else name, host, path, shown)


def split_password(url: str) -> tuple[str, str | None]:
    """The URL without the password of its user, and that password, decoded."""
    user, host, path, query = _parts(url)
    name, colon, password = user.partition(":")
    in_query = [value for key, value in query if key == "password"]
    secret = in_query[-1] if in_query else unquote(password) if colon else None
    return _join(name, host, path, [(key, value) for key, value in query if key != "password"]), secret


def _value(written: str) -> str:
    quoted = written[1:-1] if written.startswith("'") else written
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)


def _parts(url: str) -> tuple[str, str, str, list[tuple[str, str]]]:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return user, host, parts.path, parse_qsl(parts.query, keep_blank_values=True)


def _join(user: str, host: str, path: str, query: list[tuple[str, str]]) -> str:
    settings = urlencode(query, safe="/*", quote_via=quote)
    return f"postgresql://{user}{'@' if user else ''}{host}{path}{'?' if settings else ''}{settings}"
