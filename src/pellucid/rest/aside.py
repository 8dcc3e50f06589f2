"""Work on large bodies, kept away from the event loop."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 256 * 1024
"""From this size on, in bytes, a body is judged in a thread."""


async def aside(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a piece of work that takes the longer the larger a body is; in a thread where others would have to wait for it.

    Args:
        size: the body's size, in bytes.
        work: what to do; it shares nothing with the event loop but what never changes.
        args, kwargs: what it is called with.
    """
    if size < LARGE:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
