"""Pellucid: a data backend you can see to the bottom of."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pellucid import version

if TYPE_CHECKING:
    from pellucid.app import Pellucid
    from pellucid.web.dependencies import Identity, ReadSession, WriteSession

__version__ = version.VERSION

__all__ = ["Identity", "Pellucid", "ReadSession", "WriteSession", "__version__"]

_HOMES = {
    "Pellucid": "pellucid.app",
    "Identity": "pellucid.web.dependencies",
    "ReadSession": "pellucid.web.dependencies",
    "WriteSession": "pellucid.web.dependencies",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that the command line starts without the whole server."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
