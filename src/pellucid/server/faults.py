"""An application that does not start, told so that its author sees where: their own frames, not those of the machinery."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from pellucid.errors import PellucidError, StartupError

_PACKAGE = str(Path(__file__).parents[1])
_LIBRARY = str(Path(traceback.__file__).parent)


def does_not_start(what: str, fault: BaseException) -> StartupError:
    """One line about it; what the author needs to find the place is in ``details``.

    Args:
        what: what was tried, such as ``app.py cannot be imported``.
        fault: why it failed.
    """
    match fault:
        case StartupError():
            return fault
        case PellucidError():
            return StartupError(f"{what}: {fault.message}", hint=fault.hint)
        case _:
            last = traceback.format_exception_only(fault)[-1].strip()
            return StartupError(
                f"{what}: {last}", details=own_traceback(fault), hint="mend it where the lines above point"
            )


def own_traceback(fault: BaseException) -> str:
    """The traceback from the first frame of the author's own code on; where there is none, the whole of it.

    A syntax error has no frame in the file that it is in, and tells the place by itself.
    """
    own = next((link for link in _links(fault.__traceback__) if _is_own(link.tb_frame)), None)
    if own is None and not isinstance(fault, SyntaxError):
        own = fault.__traceback__
    return "".join(traceback.format_exception(type(fault), fault, own)).rstrip()


def _links(link: TracebackType | None) -> Iterator[TracebackType]:
    while link is not None:
        yield link
        link = link.tb_next


def _is_own(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return not name.startswith(("<", _PACKAGE, _LIBRARY)) and "site-packages" not in name
