"""An application that does not start: its author sees their own lines."""

import runpy
from pathlib import Path

import pytest

from pellucid.errors import StartupError, Unavailable
from pellucid.server.faults import does_not_start


def told(tmp_path: Path, code: str) -> StartupError:
    path = tmp_path / "mine.py"
    path.write_text(code)
    with pytest.raises((Exception, SystemExit)) as caught:
        runpy.run_path(str(path))
    assert caught.tb.tb_next is not None
    return does_not_start("mine.py cannot be imported", caught.value.with_traceback(caught.tb.tb_next))


def test_the_traceback_begins_in_the_authors_code(tmp_path: Path) -> None:
    error = told(tmp_path, "import json\n\ndef parse():\n    json.loads('{')\n\nparse()\n")
    assert error.message.startswith("mine.py cannot be imported: json.decoder.JSONDecodeError: Expecting")
    assert isinstance(error.details, str)
    lines = error.details.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('mine.py", line 6, in <module>')
    assert "runpy" not in error.details


def test_a_syntax_error_shows_the_place_alone(tmp_path: Path) -> None:
    error = told(tmp_path, "x = (\n")
    assert error.details is not None
    assert "mine.py" in error.details
    assert "runpy" not in error.details


def test_leaving_is_an_error_too(tmp_path: Path) -> None:
    assert "SystemExit: 3" in told(tmp_path, "raise SystemExit(3)\n").message


def test_what_explains_itself_needs_no_traceback() -> None:
    error = does_not_start("the application does not start", Unavailable("No database.", hint="Start it."))
    assert (error.message, error.details, error.hint) == (
        "the application does not start: No database.",
        None,
        "Start it.",
    )


def test_a_startup_error_stays_what_it_is() -> None:
    error = StartupError("as it was")
    assert does_not_start("anything", error) is error


def test_one_without_a_line_of_the_author_keeps_all() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        eval("1 / 0", {"__builtins__": {}})
    fault = caught.value.with_traceback(caught.value.__traceback__.tb_next if caught.value.__traceback__ else None)
    assert "<string>" in (does_not_start("it", fault).details or "")
