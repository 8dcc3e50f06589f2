"""Values that keep some of their fields to themselves: what is hidden stands in no log, no message and no traceback."""

from functools import cache
from typing import Annotated, Any, TypeVar, get_type_hints

from msgspec import Struct

_T = TypeVar("_T")
_HIDDEN = object()

Hidden = Annotated[_T, _HIDDEN]
"""The type of a field of a `Discreet` value that is not shown, such as ``secret: Hidden[str]``."""


class Discreet(Struct, frozen=True):
    """A frozen value whose representation leaves out each field that is `Hidden`."""

    def __repr__(self) -> str:
        """Such as ``Key(id='k1')``."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What is shown, for ``rich`` (its protocol for representations) and for ``repr``."""
        return [(name, getattr(self, name)) for name in _shown(type(self))]


@cache
def _shown(kind: type[Discreet]) -> tuple[str, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(name for name in kind.__struct_fields__ if _HIDDEN not in getattr(hints[name], "__metadata__", ()))
