"""The names that a machine knows by itself (hosts(5)), and addresses as text."""

from ipaddress import ip_address
from pathlib import Path


def in_hosts_file(name: str, file: Path) -> tuple[str, ...]:
    """The addresses that the file gives for a name, in its order; none where there is no such name or file."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    wanted = name.rstrip(".").lower()
    found = (line.partition("#")[0].split() for line in lines)
    named = [words[0] for words in found if wanted in [word.lower() for word in words[1:]]]
    return tuple(dict.fromkeys(address for address in named if is_address(address)))


def spelt(address: tuple[str, int] | tuple[str, int, int, int] | None) -> str:
    """A socket's address and port."""
    if not address:
        return "unknown"
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_address(text: str) -> bool:
    """Whether it is an IP address and no name."""
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
