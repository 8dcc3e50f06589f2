"""The settings of auto_explain (PostgreSQL, F.3) that have a transaction sent its own plans."""

Settings = tuple[tuple[str, str], ...]

_FULL = {
    "auto_explain.log_level": "notice",
    "auto_explain.log_format": "json",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_wal": "on",
    "auto_explain.log_timing": "on",
    "auto_explain.log_triggers": "on",
    "auto_explain.log_verbose": "on",
    "auto_explain.log_settings": "on",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_min_duration": "0",
    "client_min_messages": "notice",
}
_VALUES = ("auto_explain.log_parameter_max_length", "0")
"""No values beside the plan. PostgreSQL 15 writes none and does not know the setting."""


def full(version: int) -> Settings:
    """For a transaction that is looked at: every statement, the nested ones too, with what it really did.

    Args:
        version: PostgreSQL's number, such as 180001.
    """
    return (*_values(version), *_FULL.items())


def slow(version: int, milliseconds: int) -> Settings:
    """For transactions of which only slow statements are to be told: their plans with estimates, and how long they took.

    Nothing is measured inside of a plan, so a statement below the threshold costs what it always does. Statements inside of functions are
    told as well: those of requests that travel together run in one.
    """
    chosen = _FULL | {
        "auto_explain.log_analyze": "off",
        "auto_explain.log_min_duration": str(milliseconds),
    }
    return (*_values(version), *chosen.items())


def _values(version: int) -> Settings:
    return (_VALUES,) if version >= 160000 else ()
