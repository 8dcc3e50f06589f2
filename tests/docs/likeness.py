"""Whether what was printed is like what a page shows: ids, times, tokens and secrets differ from run to run, the rest does not."""

import json
import re

_CHANGING = (
    ("<token>", re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")),
    ("<uuid>", re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")),
    ("<time>", re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?")),
    ("<duration>", re.compile(r"\b\d+\.\d+ ?(s|ms|seconds)\b|(?<=dur=)\d+(\.\d+)?")),
    ("<request>", re.compile(r'(?<="request_id": ")[^"]+|(?<="request_id":")[^"]+')),
)
_ANYTHING = "…"


def settled(text: str) -> str:
    """The text with everything that changes from run to run replaced by its kind."""
    for name, pattern in _CHANGING:
        text = pattern.sub(name, text)
    return text


def alike(shown: str, printed: str) -> bool:
    """Compare what a page shows with what was printed. ``…`` on the page stands for anything.

    Two JSON texts are compared as values, so that a page may break lines where it likes.
    """
    shown, printed = settled(shown.strip()), settled(printed.strip())
    try:
        return _same_value(json.loads(shown), json.loads(printed))
    except ValueError:
        return _same_lines(shown, printed)


def _same_value(shown: object, printed: object) -> bool:
    match shown, printed:
        case str(), str():
            return _same_lines(shown, printed)
        case dict(), dict():
            return list(shown) == list(printed) and all(
                _same_value(value, printed[key]) for key, value in shown.items()
            )
        case list(), list():
            return len(shown) == len(printed) and all(map(_same_value, shown, printed))
        case _:
            return bool(shown == printed)


def _same_lines(shown: str, printed: str) -> bool:
    pieces = [re.escape(re.sub(r"[ \t]+\n", "\n", piece)) for piece in shown.split(_ANYTHING)]
    return re.fullmatch(".*".join(pieces), re.sub(r"[ \t\r]+\n", "\n", printed), re.DOTALL) is not None
