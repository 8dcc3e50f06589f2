"""Binding: what is bound, and what is said when it cannot be."""

import os
import socket

import pytest

from pellucid.errors import StartupError
from pellucid.server.sockets import close, listen
from tests.postgres.world import fork


def test_it_listens_at_once() -> None:
    with listen("127.0.0.1", 0, backlog=5) as (listener,):
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.getpeername() == ("127.0.0.1", port)


def test_localhost_has_one_port_on_all_its_addresses() -> None:
    with listen("localhost", 0, backlog=5) as listeners:
        assert len({listener.getsockname()[1] for listener in listeners}) == 1
        assert len({listener.getsockname()[0] for listener in listeners}) == len(listeners)


def test_ipv6() -> None:
    with listen("::1", 0, backlog=5) as (listener,):
        assert listener.family == socket.AF_INET6
        assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_a_port_can_be_taken_again_right_after_its_connections() -> None:
    with listen("127.0.0.1", 0, backlog=5) as (listener,):
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        accepted.close()  # this side closes first, so the pair stays in TIME_WAIT
        client.close()
    with listen("127.0.0.1", port, backlog=5) as (again,):
        assert again.getsockname()[1] == port


def test_a_port_in_use_names_the_next_one() -> None:
    with listen("127.0.0.1", 0, backlog=5) as (listener,):
        port = listener.getsockname()[1]
        with pytest.raises(StartupError) as caught, listen("127.0.0.1", port, backlog=5):
            pass
    assert caught.value.message == f"port {port} is in use on 127.0.0.1"
    assert "--port" in (caught.value.hint or "")


def test_a_port_that_becomes_free_in_time_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed supervisor's workers may hold it for a moment."""
    monkeypatch.setattr("pellucid.server.sockets._PATIENCE", 60.0)
    with listen("127.0.0.1", 0, backlog=5) as (listener,):
        port = listener.getsockname()[1]
        pid = fork()
        if pid == 0:
            signal_and_leave(listener)
        close([listener])
    with listen("127.0.0.1", port, backlog=5) as (again,):
        assert again.getsockname()[1] == port
    os.waitpid(pid, 0)


def signal_and_leave(listener: socket.socket) -> None:
    """Hold the socket for a moment longer than the parent does."""
    listener.settimeout(0.2)
    try:
        listener.accept()
    except TimeoutError:
        os._exit(0)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "256.1.1.1", "a" * 300])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(StartupError, match="cannot be resolved") as caught, listen(host, 0, backlog=5):
        pass
    assert "--host" in (caught.value.hint or "")


def test_an_address_of_another_machine() -> None:
    with (
        pytest.raises(StartupError, match=r"192\.0\.2\.1 is not an address of this machine"),
        listen("192.0.2.1", 0, backlog=5),
    ):
        pass
