"""How the values of settings may be written: lists as ``a, b``, secrets as ``@/path/to/file``, tables as JSON."""

import json
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from pellucid.auth.pathtext import read_path
from pellucid.auth.providers.configuring import ProviderEntry

_POSTGREST_HOSTS = {"*": "0.0.0.0", "*4": "0.0.0.0", "!4": "0.0.0.0", "*6": "::", "!6": "::"}  # noqa: S104 - its words
_POSTGREST_LEVELS = {"crit": "critical", "warn": "warning"}
_APP_SETTING = re.compile(r"[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)*", re.ASCII)
_SECRET_KEYS = ("client_secret", "secret_key")
_NO_ENDPOINTS = ("pg_catalog", "information_schema")


def _split(value: object) -> object:
    """A list may be written ``a, b`` where only text can be given."""
    if not isinstance(value, str):
        return value
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


def in_lower_case(value: object) -> object:
    """PostgREST's names of log levels become ours, and capitals do not count."""
    return _POSTGREST_LEVELS.get(value.lower(), value.lower()) if isinstance(value, str) else value


def an_address(value: object) -> object:
    """PostgREST's words for addresses become addresses."""
    return _POSTGREST_HOSTS.get(value, value) if isinstance(value, str) else value


def _from_file(value: object) -> object:
    """A secret may be written ``@/path/to/file``, as container platforms hand them out."""
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text().strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise ValueError(f"the file {value[1:]} cannot be read") from fault


def _emptied(value: object) -> object:
    """What may be nothing is so when it is written as nothing."""
    return None if isinstance(value, str) and not value.strip() else value


def _not_the_systems(schemas: tuple[str, ...]) -> tuple[str, ...]:
    for schema in schemas:
        if schema in _NO_ENDPOINTS:
            raise ValueError(f"{schema} is PostgreSQL's own, and is not exposed")
    return schemas


def a_site(url: str | None) -> str | None:
    """A public URL without the slash at its end."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it is no address of a site, such as https://api.example.com")
    return url.rstrip("/")


def a_path(text: str) -> str:
    """A JSON path, read once to see that it is one."""
    read_path(text)
    return text


def _from_json(value: object) -> object:
    """A table may be written as JSON where only text can be given."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("it is no JSON object") from None


def _secrets_from_files(value: object) -> object:
    """Secrets of providers may be written ``@/path/to/file`` too."""
    if not isinstance(value, dict):
        return value
    return {
        name: {key: _from_file(each) if key in _SECRET_KEYS else each for key, each in table.items()}
        if isinstance(table, dict)
        else table
        for name, table in value.items()
    }


def _app_settings(value: object) -> object:
    """The names in lower case: PostgreSQL tells no capitals apart."""
    return {str(name).lower(): text for name, text in value.items()} if isinstance(value, dict) else value


def _settable(settings: dict[str, str]) -> dict[str, str]:
    for name in settings:
        if not _APP_SETTING.fullmatch(name):
            raise ValueError(f"{name} is no name of a setting in PostgreSQL: letters, digits and underscores are")
    return settings


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Schemas = Annotated[Words, AfterValidator(_not_the_systems)]
OptionalText = Annotated[str | None, BeforeValidator(_emptied)]
AppSettings = Annotated[dict[str, str], AfterValidator(_settable), BeforeValidator(_app_settings)]
Providers = Annotated[dict[str, ProviderEntry], BeforeValidator(_secrets_from_files), BeforeValidator(_from_json)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Secret = Annotated[SecretStr, Field(min_length=1), BeforeValidator(_from_file)]
