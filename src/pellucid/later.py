"""Imports that wait until they are needed, and imports of much at once.

A few libraries serve one rare thing each and cost a fifth of a start: a passkey, a provider's answer, a mail. Each is imported when
something of it is used first, which delays that one use by about a tenth of a second, once in each worker.
"""

import gc
import sys
from importlib import import_module
from importlib.util import LazyLoader, find_spec, module_from_spec
from threading import RLock
from types import ModuleType

_one_at_a_time = RLock()
"""Two threads that import packages which import each other can meet a module that is half made."""


def later(name: str) -> ModuleType:
    """A module that is imported when one of its names is looked up first (`importlib.util.LazyLoader`).

    Args:
        name: of the module, with the packages that it is in. These are imported now.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = LazyLoader(spec.loader)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    package, _, own = name.rpartition(".")
    if package:
        setattr(sys.modules[package], own, module)
    return module


def at_once(name: str) -> ModuleType:
    """A module with all that it imports, for a start. What imports make stays; looking for garbage among it would take a tenth of the time.

    So the collector is off meanwhile, and never looks at what is there by then: its first look would be at all of it. A second thread
    waits until the first is done.
    """
    with _one_at_a_time:
        looking = gc.isenabled()
        gc.disable()
        try:
            return import_module(name)
        finally:
            if looking:
                gc.freeze()
                gc.enable()
