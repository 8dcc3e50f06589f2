"""Tokens from the command line."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from pellucid.auth.tokens import Verified, open_tokens
from pellucid.cli.main import app
from pellucid.cli.sources import load
from pellucid.errors import StartupError

SECRET = "0123456789abcdef0123456789abcdef"
USER = UUID("0198c0de-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **environment: str) -> Any:
    return CliRunner().invoke(app, ["token", *arguments], env=environment)


def verified(token: str, **environment: str) -> Verified:
    """The token, as the server of this directory reads it."""
    settings = load({}, environment).settings
    return open_tokens(settings.tokens(), settings.keys()).verify(token)


def test_a_token_is_shown_that_this_server_accepts_for_long() -> None:
    done = run("--role", "anon")
    assert (done.exit_code, done.stderr) == (0, "")
    token = verified(done.stdout.strip())
    assert (token.role, token.own, "sub" in token.claims) == ("anon", True, False)
    assert token.claims["exp"] - token.claims["iat"] == 3650 * 86_400


def test_it_may_stand_for_an_account() -> None:
    done = run("--role", "authenticated", "--sub", str(USER), "--days", "2")
    token = verified(done.stdout.strip())
    assert token.claims["sub"] == str(USER)
    assert token.claims["exp"] - token.claims["iat"] == 2 * 86_400


def test_it_is_signed_with_the_secret_where_there_is_one() -> None:
    token = run("--role", "service_role", PGRST_JWT_SECRET=SECRET)
    assert verified(token.stdout.strip(), PGRST_JWT_SECRET=SECRET).role == "service_role"
    assert "passes row level security" in token.stderr


@pytest.mark.parametrize("role", ["", "postgres", "authenticator", "pellucid_accounts", "pg_read_all_data"])
def test_a_role_that_no_request_may_take_is_refused(role: str, here: Path) -> None:
    done = run("--role", role)
    assert isinstance(done.exception, StartupError)
    assert not list(here.iterdir())


def test_without_a_key_there_is_no_token() -> None:
    jwk = '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
    done = run("--role", "anon", PELLUCID_PRODUCTION="true", PELLUCID_JWT_SECRET=jwk)
    assert isinstance(done.exception, StartupError)
    assert "no key" in done.exception.message
    assert done.stdout == ""
