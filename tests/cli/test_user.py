"""``pellucid user`` as it is typed."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pellucid.auth.tokens import open_tokens
from pellucid.cli.main import app
from pellucid.cli.sources import load
from pellucid.errors import StartupError
from pellucid.postgres.cluster import Cluster
from tests.conftest import TEMPLATE, run, within

ADDRESS = "ada@example.com"
HOOKS = """
from pellucid import Pellucid
app = Pellucid()

@app.hooks.exports
def notes(user, session):
    return {"notes": [user.email]}
"""


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> Iterator[str]:
    asyncio.run(run(cluster.admin_dsn, f"create database users_typed template {TEMPLATE}"))
    yield within(cluster.admin_dsn, "users_typed")
    asyncio.run(run(cluster.admin_dsn, "drop database users_typed with (force)"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(url: str, *arguments: str, status: int = 0, typing: str | None = None) -> Any:
    done = CliRunner().invoke(app, ["user", *arguments, "--db", url], input=typing)
    assert done.exit_code == status, (done.output, done.exception)
    return done


def test_a_life(url: str, here: Path) -> None:
    """Every command, in the order of an account's life."""
    (here / "hooked.py").write_text(HOOKS)
    made = typed(url, "create", ADDRESS, "--password", typing="an engine of brass\n").stdout.strip()
    assert "already" in typed(url, "create", ADDRESS, status=2).stderr
    assert typed(url, "list").stdout.split("\t")[:4] == [made, ADDRESS, "authenticated", "verified"]
    assert typed(url, "create", "weak@example.com", "--password", typing="password1\n", status=2).stdout == ""

    typed(url, "ban", ADDRESS, "--days", "1")
    assert "\tbanned\t" in typed(url, "list").stdout
    typed(url, "unban", made)

    link = typed(url, "link", ADDRESS).stdout.strip()
    assert link.startswith("http://127.0.0.1:8000/verify?token=")
    token = typed(url, "impersonate", ADDRESS, "--reason", "a question").stdout.strip()
    settings = load({}, {}).settings
    claims = open_tokens(settings.tokens(), settings.keys()).verify(token).claims
    assert (claims["sub"], "act" in claims) == (made, True)
    assert len(typed(url, "sessions", ADDRESS).stdout.splitlines()) == 1
    assert typed(url, "sessions", ADDRESS, "--end").stdout == ""

    typed(url, "password", ADDRESS, typing="an engine of silver\n")
    data = json.loads(typed(url, "export", ADDRESS, "--app", "hooked.py").stdout)
    assert (data["account"]["id"], data["application"]) == (made, {"notes": [ADDRESS]})
    assert [entry["event"] for entry in data["audit_log"]][:3] == ["user_created", "user_banned", "user_unbanned"]

    assert typed(url, "erase", ADDRESS, status=1, typing="n\n")
    typed(url, "erase", ADDRESS, "--yes")
    invited = typed(url, "invite", "grace@example.com").stdout.strip()
    assert json.loads(typed(url, "list", "--json").stdout)[0]["id"] == invited
    typed(url, "delete", invited, "--yes")
    assert typed(url, "list").stdout == ""


def test_what_is_not_there_is_told(url: str) -> None:
    assert "no account nobody@example.com" in typed(url, "ban", "nobody@example.com", status=2).stderr
    assert isinstance(typed(url, "link", ADDRESS, "--purpose", "steal", status=1).exception, StartupError)
