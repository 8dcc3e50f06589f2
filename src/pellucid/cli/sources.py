"""Where settings come from. The nearer source wins: command line, ``PELLUCID_*``, PostgREST's ``PGRST_*`` names, ``pellucid.toml``.

They are put together here rather than by a library, so that an error can name the place where the bad value stands, and so that
``Settings(port=1)`` in a program means what it says and reads no environment.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from msgspec import Struct
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pellucid.errors import StartupError
from pellucid.settings import Settings

CONFIG_FILE = Path("pellucid.toml")
PREFIX = "PELLUCID_"
POSTGREST_PREFIX = "PGRST_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
POSTGREST = {
    "PGRST_CLIENT_ERROR_VERBOSITY": "error_verbosity",
    "PGRST_DB_AGGREGATES_ENABLED": "aggregates",
    "PGRST_DB_ANON_ROLE": "anon_role",
    "PGRST_DB_CHANNEL": "channel",
    "PGRST_DB_EXTRA_SEARCH_PATH": "extra_search_path",
    "PGRST_DB_HOISTED_TX_SETTINGS": "hoisted_settings",
    "PGRST_DB_MAX_ROWS": "max_rows",
    "PGRST_DB_PLAN_ENABLED": "plan",
    "PGRST_DB_POOL": "pool_size",
    "PGRST_DB_POOL_ACQUISITION_TIMEOUT": "pool_timeout",
    "PGRST_DB_PRE_REQUEST": "pre_request",
    "PGRST_DB_ROOT_SPEC": "root_spec",
    "PGRST_DB_SCHEMA": "schemas",
    "PGRST_DB_SCHEMAS": "schemas",
    "PGRST_DB_TX_END": "tx_end",
    "PGRST_DB_URI": "db",
    "PGRST_JWT_AUD": "jwt_audience",
    "PGRST_JWT_CACHE_MAX_ENTRIES": "jwt_cache",
    "PGRST_JWT_ROLE_CLAIM_KEY": "jwt_role_claim",
    "PGRST_JWT_SECRET": "jwt_secret",
    "PGRST_JWT_SECRET_IS_BASE64": "jwt_secret_is_base64",
    "PGRST_LOG_LEVEL": "log_level",
    "PGRST_MAX_ROWS": "max_rows",
    "PGRST_OPENAPI_MODE": "openapi_mode",
    "PGRST_OPENAPI_SECURITY_ACTIVE": "openapi_security",
    "PGRST_OPENAPI_SERVER_PROXY_URI": "openapi_url",
    "PGRST_PRE_REQUEST": "pre_request",
    "PGRST_ROLE_CLAIM_KEY": "jwt_role_claim",
    "PGRST_ROOT_SPEC": "root_spec",
    "PGRST_SECRET_IS_BASE64": "jwt_secret_is_base64",
    "PGRST_SERVER_CORS_ALLOWED_ORIGINS": "cors_origins",
    "PGRST_SERVER_HOST": "host",
    "PGRST_SERVER_PORT": "port",
    "PGRST_SERVER_TIMING_ENABLED": "server_timing",
    "PGRST_SERVER_TRACE_HEADER": "trace_header",
    "PGRST_URL_USE_LEGACY_TARGET_NAMES": "legacy_target_names",
}
"""The variables of PostgREST that are understood, and the settings they stand for."""

_ONE_PORT = "/health and /metrics answer on the same port as everything else"
_ONE_SOCKET = "Pellucid listens on a TCP port"
_POOL = "connections are kept as long as they work"
POSTGREST_IDLE = {
    "PGRST_ADMIN_SERVER_HOST": _ONE_PORT,
    "PGRST_ADMIN_SERVER_PORT": _ONE_PORT,
    "PGRST_ADMIN_SERVER_UNIX_SOCKET": _ONE_PORT,
    "PGRST_ADMIN_SERVER_UNIX_SOCKET_MODE": _ONE_PORT,
    "PGRST_DB_CHANNEL_ENABLED": "the channel is always listened to, on a connection of its own",
    "PGRST_DB_CONFIG": "settings come from the command line, the environment and a file, not from the database",
    "PGRST_DB_POOL_AUTOMATIC_RECOVERY": "a lost connection is always replaced",
    "PGRST_DB_POOL_MAX_IDLETIME": _POOL,
    "PGRST_DB_POOL_MAX_LIFETIME": _POOL,
    "PGRST_DB_POOL_TIMEOUT": _POOL,
    "PGRST_DB_PRE_CONFIG": "settings come from the command line, the environment and a file, not from the database",
    "PGRST_DB_PREPARED_STATEMENTS": "statements are always prepared",
    "PGRST_LOG_QUERY": "statements are not logged",
    "PGRST_SERVER_REUSEPORT": "workers share one socket; set workers for more of them",
    "PGRST_SERVER_UNIX_SOCKET": _ONE_SOCKET,
    "PGRST_SERVER_UNIX_SOCKET_MODE": _ONE_SOCKET,
}
"""The variables of PostgREST that have no effect here, and why."""

APP_SETTINGS = "APP_SETTINGS_"
"""The start of the variables that each give one of `Settings.app_settings`, behind either prefix."""
EMPTYABLE = frozenset({"anon_role", "extra_search_path", "cors_origins"})
"""Settings for which an empty variable says something: none of it."""

_CORS = "PGRST_SERVER_CORS_ALLOWED_ORIGINS"
_NAMES = frozenset(Settings.model_fields)
_OWN = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
_SWITCHES = {
    name for name, field in Settings.model_fields.items() if bool in (field.annotation, *get_args(field.annotation))
}
_REASONS = {
    "int_parsing": "it is no whole number",
    "float_parsing": "it is no number",
    "bool_parsing": "it is neither true nor false",
    "string_too_short": "it is empty",
    "too_short": "it is empty",
}
"""Pydantic's words that are about Python, in ours. All that has a shortest length may just not be empty."""
_PATHS = ("data", "signing_key_file", "postgres_binaries")


class Given(Struct, frozen=True):
    """A value, and the place where it stands, in words such as ``--port`` or ``PELLUCID_PORT``."""

    value: Any
    origin: str


class Loaded(Struct, frozen=True):
    """The settings, and what in the sources has no effect."""

    settings: Settings
    warnings: tuple[str, ...]


def load(command_line: Mapping[str, Any], environment: Mapping[str, str], config: Path | None = None) -> Loaded:
    """Gather the settings.

    Args:
        command_line: what was given there, by the settings' names; None where an option was left out.
        environment: the process's environment. An empty variable counts as none, but for `EMPTYABLE`.
        config: the file to read; by default the one that ``PELLUCID_CONFIG`` names, or ``pellucid.toml`` where there is one.

    Raises:
        StartupError: a value is wrong or the file names an unknown setting; one line that says where it stands.
    """
    present = {name: value for name, value in environment.items() if value or _says_none(name)}
    given = (
        _from_file(_config_file(config, present))
        | _from_postgrest(present)
        | _from_environment(present)
        | _from_command_line(command_line)
    )
    try:
        settings = Settings.model_validate({name: each.value for name, each in given.items()})
    except ValidationError as fault:
        raise _explain(fault.errors(include_url=False, include_input=False), given) from None
    return Loaded(settings, (*_unknown_variables(present), *_unknown_postgrest(present)))


# -- the sources ------------------------------------------------------------------------------------------------------


def _from_command_line(options: Mapping[str, Any]) -> dict[str, Given]:
    return {name: Given(value, _option(name)) for name, value in options.items() if value is not None}


def _from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    return _named(_OWN, environment) | _app_settings(PREFIX, environment)


def _from_postgrest(environment: Mapping[str, str]) -> dict[str, Given]:
    if environment.get(_CORS) == "":  # there it means every origin
        environment = {**environment, _CORS: "*"}
    return _named(POSTGREST, environment) | _app_settings(POSTGREST_PREFIX, environment)


def _named(names: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, Given]:
    return {name: Given(environment[key], key) for key, name in names.items() if key in environment}


def _app_settings(prefix: str, environment: Mapping[str, str]) -> dict[str, Given]:
    start = f"{prefix}{APP_SETTINGS}"
    found = {name.removeprefix(start): value for name, value in environment.items() if name.startswith(start)}
    return {"app_settings": Given(found, f"{start}*")} if found else {}


def _says_none(variable: str) -> bool:
    return (_OWN.get(variable) or POSTGREST.get(variable)) in EMPTYABLE


def _config_file(config: Path | None, environment: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    if CONFIG_VARIABLE in environment:
        return Path(environment[CONFIG_VARIABLE])
    return CONFIG_FILE if CONFIG_FILE.exists() else None


def _from_file(path: Path | None) -> dict[str, Given]:
    if path is None:
        return {}
    content = {key.replace("-", "_"): value for key, value in _read(path).items()}
    for key, value in content.items():
        if key not in _NAMES:
            raise StartupError(
                f"{path} names an unknown setting, {key}", hint=_nearest(key, _NAMES, "take the line out")
            )
        if isinstance(value, bool) and key not in _SWITCHES:  # Pydantic would take true for 1
            raise _wrong(key, str(path), "it is no switch, and true and false say nothing here")
    return {key: Given(_beside(path, key, value), str(path)) for key, value in content.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as fault:
        raise StartupError(
            f"{path} cannot be read: {fault.strerror}", hint="name another file with --config"
        ) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise StartupError(
            f"{path} is not TOML: {fault}", hint="mend the file, or name another with --config"
        ) from fault


def _beside(path: Path, key: str, value: Any) -> Any:
    """A relative path in the file is relative to the file."""
    return path.parent / value if key in _PATHS and isinstance(value, str) else value


# -- what is wrong ----------------------------------------------------------------------------------------------------


def _explain(errors: list[ErrorDetails], given: Mapping[str, Given]) -> StartupError:
    """The first error in full, the others by name."""
    names = list(dict.fromkeys(str(error["loc"][0]) for error in errors))
    first, *others = names
    more = f" (also wrong: {', '.join(others)})" if others else ""
    return _wrong(first, given[first].origin, f"{_reason(errors[0])}{more}")


def _reason(error: ErrorDetails) -> str:
    if error["type"] in _REASONS:
        return _REASONS[error["type"]]
    reason = error["msg"].removeprefix("Value error, ")
    return reason[:1].lower() + reason[1:]


def _wrong(name: str, origin: str, reason: str) -> StartupError:
    return StartupError(f"{name} in {origin}: {reason}", hint=f"it is {Settings.model_fields[name].description}")


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    known = {name.upper() for name in _NAMES} | {CONFIG_VARIABLE.removeprefix(PREFIX)}
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if variable.startswith(PREFIX) and name not in known and not name.startswith(APP_SETTINGS):
            yield f"{variable} has no effect: {_nearest(name, known, 'there is no such setting', prefix=PREFIX)}"


def _unknown_postgrest(environment: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(environment):
        if name.startswith(POSTGREST_PREFIX) and name not in POSTGREST and not _is_app_setting(name):
            yield f"{name} has no effect: {POSTGREST_IDLE.get(name, 'Pellucid has no such setting')}"


def _is_app_setting(variable: str) -> bool:
    return variable.startswith(f"{POSTGREST_PREFIX}{APP_SETTINGS}")


def _nearest(name: str, known: Iterable[str], otherwise: str, *, prefix: str = "") -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {prefix}{near[0]}?" if near else otherwise


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
