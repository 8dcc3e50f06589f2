"""What workers tell, read as it comes."""

import os

from pellucid.errors import StartupError
from pellucid.server.channel import Ready, Teller, channel


def test_a_report_comes_through_whole() -> None:
    listener, writer = channel()
    assert listener.take() == []
    teller = Teller(writer)
    teller.ready()
    teller.failed(StartupError("no\nway", details="line 1\nline 2", hint="mend it"))
    ready, failed = listener.take()
    assert ready == Ready()
    assert isinstance(failed, StartupError)
    assert (failed.message, failed.details, failed.hint) == ("no\nway", "line 1\nline 2", "mend it")
    os.close(writer)
    assert listener.take() == []
    assert listener.closed
    listener.close()


def test_half_a_report_waits_for_its_other_half() -> None:
    listener, writer = channel()
    os.write(writer, b'{"rea')
    assert listener.take() == []
    os.write(writer, b'dy": true}\n')
    assert listener.take() == [Ready()]
    os.close(writer)
    listener.close()


def test_telling_nobody_is_no_error() -> None:
    listener, writer = channel()
    listener.close()
    Teller(writer).ready()
    os.close(writer)
