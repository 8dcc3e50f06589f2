"""What was asked for does not fit the database."""

from collections.abc import Iterable
from difflib import get_close_matches

from pellucid.errors import StartupError


class Refusal(StartupError):
    """A table, column, role or preset was named that does not fit. The command ends with status 2, and nothing was changed."""


def nearest(text: str, known: Iterable[str], otherwise: str) -> str:
    """A way out that names what was probably meant."""
    near = get_close_matches(text, list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise
