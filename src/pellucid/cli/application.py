"""The user's own application, imported; and its mistakes, told so that their author sees where."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from pellucid.app import Pellucid
from pellucid.cli.module import Module
from pellucid.errors import StartupError
from pellucid.server.faults import does_not_start

_USUAL_NAME = "app"


def load(module: Module, *, changing: bool = False) -> Pellucid:
    """Import it and find the application in it.

    Args:
        module: which.
        changing: whether its files may change at any moment.

    Raises:
        StartupError: it cannot be imported (``details`` has the author's part of the traceback), or has no application.
    """
    sys.path.insert(0, str(module.root))
    try:
        with _uncached(changing):
            imported = importlib.import_module(module.dotted)
    except BaseException as fault:
        raise _not_imported(module, fault) from fault
    if module.file is not None and Path(imported.__file__ or "").resolve() != module.file:
        raise StartupError(
            f"{module.text} is hidden by another module named {module.dotted}", hint="give the file another name"
        )
    return _application(module, imported)


@contextmanager
def _uncached(changing: bool) -> Iterator[None]:
    """Leave no bytecode behind: Python takes it for the newest where a file of the same size was written in the same second."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = before or changing
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _not_imported(module: Module, fault: BaseException) -> StartupError:
    if isinstance(fault, ModuleNotFoundError) and fault.name and f"{module.dotted}.".startswith(f"{fault.name}."):
        return StartupError(
            f"there is no module {module.dotted} in {module.root}",
            hint="name your application by its file, such as: pellucid serve app.py",
        )
    return does_not_start(f"{module.text} cannot be imported", fault)


def _application(module: Module, imported: ModuleType) -> Pellucid:
    if module.attribute is not None:
        return _named(module, imported, module.attribute)
    found = {name: value for name, value in vars(imported).items() if isinstance(value, Pellucid)}
    if _USUAL_NAME in found:
        return found[_USUAL_NAME]
    if not found:
        raise StartupError(
            f"{module.text} has no Pellucid application",
            hint="make one there: from pellucid import Pellucid; app = Pellucid()",
        )
    if len({id(value) for value in found.values()}) > 1:
        raise StartupError(
            f"{module.text} has several applications: {', '.join(sorted(found))}",
            hint=f"say which: {module.text}:{min(found)}",
        )
    return next(iter(found.values()))


def _named(module: Module, imported: ModuleType, attribute: str) -> Pellucid:
    value = getattr(imported, attribute, None)
    if isinstance(value, Pellucid):
        return value
    what = "there is nothing of that name" if value is None else f"{attribute} is a {type(value).__name__}"
    raise StartupError(f"{module.text}: {what}", hint="name an application that was made with Pellucid()")
