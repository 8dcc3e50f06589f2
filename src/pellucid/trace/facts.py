"""The facts of a stage in a few words, for the end of its line."""

from collections.abc import Callable, Mapping

from pellucid.observe import Fact, Stage
from pellucid.trace.page import duration, facts_told, size

Facts = Mapping[str, Fact]


def headline(stage: Stage, facts: Facts) -> str:
    """What is most worth knowing about a stay."""
    if "failed" in facts:
        return str(facts["failed"])
    return _TOLD.get(stage, _all)(facts)


def is_whole(stage: Stage) -> bool:
    """Whether the headline of a stage has all its facts, and not the best of them."""
    return stage not in _TOLD


def _all(facts: Facts) -> str:
    return ", ".join(facts_told({name: value for name, value in facts.items() if name not in {"part", "sql"}}))


def _connect(facts: Facts) -> str:
    return _words(f"{facts.get('remote', '')} by {facts.get('transport', '')}", f"from {facts.get('local', '')}")


def _send(facts: Facts) -> str:
    connection = facts.get("connection", "new")
    return _words(
        f"{facts.get('http', '')}, {connection} connection" if connection == "new" else f"connection {connection}",
        _sent(facts),
    )


def _receive(facts: Facts) -> str:
    return _words(_sent(facts), str(facts.get("content-encoding", "")))


def _wait(facts: Facts) -> str:
    return f"first byte at {duration(float(facts['first_byte']))}" if "first_byte" in facts else ""


def _dns(facts: Facts) -> str:
    if facts.get("from") != "DNS":
        return _words(str(facts.get("addresses", facts.get("name", ""))), f"from {facts.get('from', 'nobody')}")
    answers = [answer for kind in ("AAAA", "A") if "(TTL" in (answer := str(facts.get(kind, "")))]
    return _words(", ".join(answers), f"says {facts.get('server', '?')}", str(facts.get("trouble", "")))


def _tls(facts: Facts) -> str:
    resumed = "taken up again" if facts.get("resumed") else ""
    proof = "" if facts.get("verified", True) is True else f"NOT verified ({facts['verified']})"
    return _words(
        str(facts.get("version", "")),
        str(facts.get("alpn", "")),
        resumed,
        f"until {facts['expires']}" if "expires" in facts else "",
        proof,
    )


def _sent(facts: Facts) -> str:
    headers, body = facts.get("header_bytes", 0), facts.get("body_on_wire", facts.get("body_bytes", 0))
    return f"{size(float(headers))} of headers, {size(float(body))} of body"


def _words(*words: str) -> str:
    return ", ".join(each for each in words if each)


_TOLD: Mapping[Stage, Callable[[Facts], str]] = {
    Stage.DNS: _dns,
    Stage.CONNECT: _connect,
    Stage.TLS: _tls,
    Stage.SEND: _send,
    Stage.WAIT: _wait,
    Stage.RECEIVE: _receive,
}
