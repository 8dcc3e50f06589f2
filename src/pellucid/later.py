"""Imports that wait until they are needed.

A few libraries serve one rare thing each and cost a fifth of a start: a passkey, a provider's answer, a mail. Each is imported when
something of it is used first, which delays that one use by about a tenth of a second, once in each worker.
"""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType


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
