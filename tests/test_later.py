"""Imports that wait, and imports of much at once."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid.later import at_once, later

START = "import pellucid.cli.serve, pellucid.cli.launch"
RARE = ("webauthn", "httpx", "aiosmtplib", "segno", "pyotp")


def test_a_module_is_imported_when_it_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "rare_thing"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "inner.py").write_text("import sys\nsys.rare_thing_was_here = True\nANSWER = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = later("rare_thing.inner")
    assert not hasattr(sys, "rare_thing_was_here")
    assert module.ANSWER == 42
    assert hasattr(sys, "rare_thing_was_here")
    monkeypatch.delattr(sys, "rare_thing_was_here")
    assert later("rare_thing.inner") is module


def test_a_module_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        later("no_such_thing")


def test_nothing_is_collected_while_much_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "much.py").write_text("import gc\nCOLLECTING = gc.isenabled()\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert at_once("much").COLLECTING is False
    assert gc.isenabled()


def test_a_start_imports_no_library_that_serves_one_rare_thing() -> None:
    told = subprocess.run([sys.executable, "-X", "importtime", "-c", START], capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    parts = ("_client", "helpers", "api", "encoder", "totp")
    assert imported.isdisjoint({f"{name}.{part}" for name in RARE for part in parts})
    assert imported.isdisjoint({"pellucid.trace.drawing", "pellucid.trace.waterfall", "pellucid.trace.client"})
    assert imported.isdisjoint({"pellucid.trace.statements", "websockets", "wsproto"})
