"""Fuzz parsing, planning and compiling with atheris, until it finds something or is stopped.

Run it in an environment of its own that has Pellucid and ``atheris``: ``python -m tools.fuzz -max_total_time=300 [corpus]``. The options
are libFuzzer's. A finding ends it with a stack trace and leaves the input in a file, which it takes as an argument to try again.
"""

import sys
from importlib import import_module
from typing import Any, cast

from pellucid.rest.profile import NATIVE, POSTGREST
from pellucid.rest.request import Envelope, Method
from tests.rest.hostile import escapes, judged

METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
PATHS = (("books",), ("authors",), ("labels", "1,2"), ("rpc", "add"), ("rpc", "whole"), ("rpc", "found"))
KINDS = ("application/json", "text/csv", "application/x-www-form-urlencoded", "text/plain")
PARAMETERS = (
    "",
    "select=",
    "order=",
    "or=",
    "name=",
    "facts->a=",
    "columns=",
    "on_conflict=",
    "lives.order=",
    "limit=",
)


def main() -> None:
    """Fuzz until something is found."""
    atheris: Any = import_module("atheris")  # it is no requirement of the project
    atheris.instrument_all()
    atheris.Setup(sys.argv, lambda data: attempt(atheris.FuzzedDataProvider(data)))
    atheris.Fuzz()


def attempt(source: Any) -> None:
    """Judge one request made of random bytes.

    Raises:
        AssertionError: it is answered with a fault of the server's, or something of it got into SQL.
    """
    made = judged(_envelope(source), source.PickValueInList([NATIVE, POSTGREST]))
    if made is not None and (found := escapes(*made)):
        raise AssertionError(f"{found} in {made[1].sql}")


def _envelope(source: Any) -> Envelope:
    headers = [("content-type", source.PickValueInList(list(KINDS)))]
    if source.ConsumeBool():
        headers += [(name, source.ConsumeUnicodeNoSurrogates(40)) for name in ("accept", "prefer", "range")]
    parameters = [
        source.PickValueInList(list(PARAMETERS)) + source.ConsumeUnicodeNoSurrogates(60)
        for _ in range(source.ConsumeIntInRange(0, 3))
    ]
    path = source.PickValueInList(list(PATHS)) if source.ConsumeBool() else (source.ConsumeUnicodeNoSurrogates(20),)
    method = cast("Method", source.PickValueInList(list(METHODS)))
    return Envelope(method, path, "&".join(parameters), headers, source.ConsumeBytes(200))


if __name__ == "__main__":
    main()
