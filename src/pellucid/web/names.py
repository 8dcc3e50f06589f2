"""Names for requests: random, and cheap."""

import os

_DIGITS = 32
_AT_ONCE = 256

_stock: list[str] = []
os.register_at_fork(after_in_child=_stock.clear)  # or two workers would give the same names


def new_name() -> str:
    """A new name: 128 random bits as 32 hexadecimal digits. The system is asked for many at once, for each time it takes its time."""
    if not _stock:
        digits = os.urandom(_AT_ONCE * _DIGITS // 2).hex()
        _stock.extend([digits[first : first + _DIGITS] for first in range(0, len(digits), _DIGITS)])
    return _stock.pop()
