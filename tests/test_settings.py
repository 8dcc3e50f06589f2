"""What may be chosen, what may not, and what the rooms are told of it."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pellucid.errors import StartupError
from pellucid.settings import Settings

SECRET = "0123456789abcdef0123456789abcdef"


def test_a_program_that_names_nothing_gets_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_PORT", "1")
    settings = Settings()
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8000, Path(".pellucid"))
    assert not settings.production


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_development_serves_this_machine(host: str) -> None:
    assert Settings(host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "*", "localhost.example.com"])
def test_development_serves_no_other(host: str) -> None:
    with pytest.raises(StartupError, match="development mode serves this machine only") as caught:
        Settings(host=host)
    assert "--production" in (caught.value.hint or "")
    assert Settings(host=host, production=True).production


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"production": True, "reload": True}, "reload is for development"),
        ({"db": "postgresql://a/b", "postgres_port": 5433}, "postgres_port is for the embedded PostgreSQL"),
    ],
)
def test_what_does_not_go_together_is_refused(chosen: dict[str, Any], reason: str) -> None:
    with pytest.raises(StartupError, match=reason):
        Settings(**chosen)


def test_secrets_are_not_shown() -> None:
    settings = Settings.model_validate({"db": "postgresql://u:hunter2@h/d", "jwt_secret": SECRET})
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} {settings.tokens()!r}"
    assert "hunter2" not in shown
    assert SECRET not in shown
    assert "hunter2" not in repr(Settings.model_validate({"signing_key": "hunter2"}).keys())


def test_secrets_are_not_shown_by_errors_either() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"jwt_secret": "hunter2", "signing_key": ["hunter2"], "port": "x"})
    assert "hunter2" not in str(caught.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    assert Settings.model_validate({"jwt_secret": f"@{tmp_path / 'secret'}"}).tokens().secret == SECRET.encode()


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_may_be_written_in_base64(alphabet: Any) -> None:
    secret = bytes(range(224, 256))
    settings = Settings.model_validate({"jwt_secret": alphabet(secret).decode(), "jwt_secret_is_base64": True})
    assert settings.tokens().secret == secret


def test_a_secret_that_is_not_base64() -> None:
    settings = Settings.model_validate({"jwt_secret": "!" * 40, "jwt_secret_is_base64": True})
    with pytest.raises(StartupError, match="not written in Base64"):
        settings.tokens()


@pytest.mark.parametrize(("written", "size"), [("10MB", 10_000_000), ("10MiB", 10 << 20), ("4096", 4096), (4096, 4096)])
def test_sizes(written: Any, size: int) -> None:
    assert Settings(max_body=written).web().limits.body == size


def test_lists_may_be_written_with_commas() -> None:
    settings = Settings.model_validate({"schemas": "api, public,", "cors_origins": ["https://a.example"]})
    assert settings.database("dsn", None).schemas == ("api", "public")
    assert settings.web().cross_origin.origins == ("https://a.example",)
    with pytest.raises(ValidationError):
        Settings.model_validate({"schemas": " , "})


@pytest.mark.parametrize("schema", ["pg_catalog", "information_schema"])
def test_the_systems_own_schemas_are_not_exposed(schema: str) -> None:
    with pytest.raises(ValidationError, match="PostgreSQL's own"):
        Settings(schemas=("public", schema))


class TestRooms:
    def test_development_allows_what_helps_to_look_around(self) -> None:
        development, production = Settings().data_api(), Settings(production=True).data_api()
        assert (development.aggregates, development.plan, development.tx_end.overridable) == (True, True, True)
        assert (production.aggregates, production.plan, production.tx_end.overridable) == (False, False, False)
        assert development.tx_end.commits
        assert production.tx_end.commits

    def test_production_gives_nobody_the_right_to_change_the_schema(self) -> None:
        assert Settings().database("dsn", "admin").admin_dsn == "admin"
        assert Settings(production=True).database("dsn", "admin").admin_dsn is None

    def test_the_database_room_is_told_where_to_look_and_listen(self) -> None:
        told = Settings(anon_role="", extra_search_path=("ext",), channel="mine").database("dsn", None)
        assert (told.anon_role, told.extra_search_path, told.channel) == ("", ("ext",), "mine")

    def test_production_makes_no_key(self, tmp_path: Path) -> None:
        keys = Settings(production=True, data=tmp_path).keys()
        assert keys.production
        assert keys.generated == tmp_path.resolve() / "secrets" / "signing-key.json"

    def test_workers(self) -> None:
        assert Settings().server().workers == 1
        assert Settings(production=True).server().workers == max(1, min(len(os.sched_getaffinity(0)) // 2, 4))
        assert Settings(workers=3).server().workers == 3

    def test_only_reload_watches(self) -> None:
        assert Settings().server(watch=(Path("/a"),)).watch == ()
        assert Settings(reload=True).server(watch=(Path("/a"),)).watch == (Path("/a"),)

    def test_no_proxy_is_believed_unless_listed(self) -> None:
        assert Settings().server().proxies == ()

    def test_tokens(self) -> None:
        tokens = Settings(access_token_minutes=5).tokens()
        assert (tokens.lifetime, tokens.secret) == (300, None)

    def test_tokens_of_others(self) -> None:
        tokens = Settings(jwt_role_claim=".app.role", jwt_cache=0).tokens()
        assert tokens.role_claim.first({"app": {"role": "web"}}) == "web"
        assert (tokens.audience, tokens.others_audience, tokens.remembered) == ("authenticated", None, 0)
        named = Settings(jwt_audience="https://api.example").tokens()
        assert (named.audience, named.others_audience) == ("https://api.example", "https://api.example")
        with pytest.raises(ValidationError, match="is wanted at character"):
            Settings(jwt_role_claim="$.")

    def test_cluster(self, tmp_path: Path) -> None:
        assert Settings(data=tmp_path).cluster().port is None
        assert Settings(data=tmp_path, postgres_port=5433).cluster().port == 5433


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"mail_url": "smtp://mail.example.com"}, "public_url and mail_sender"),
        ({"verify_email": True}, "public_url and mail_url and mail_sender"),
        ({"mail_url": "smtp://mail.example.com", "mail_sender": "a@example.com"}, "public_url"),
    ],
)
def test_production_does_not_send_mails_without_what_they_need(given: dict[str, Any], missing: str) -> None:
    with pytest.raises(StartupError, match=f"mails need {missing},"):
        Settings(production=True, **given)
    assert Settings(**given).accounts().production is False


def test_strangers_are_led_nowhere_without_tls() -> None:
    with pytest.raises(StartupError, match="without TLS"):
        Settings(production=True, public_url="http://api.example.com")
    for url in ("http://127.0.0.1:8000", "http://localhost", "https://api.example.com"):
        assert Settings(production=True, public_url=url).accounts().public_url == url
    assert Settings(public_url="http://api.example.com").accounts().public_url == "http://api.example.com"


def test_production_with_a_mail_server_verifies_addresses() -> None:
    mails = {"mail_url": "smtp://mail.example.com", "mail_sender": "a@example.com"}
    accounts = Settings(production=True, public_url="https://api.example.com/", **mails).accounts()
    assert (accounts.public_url, accounts.verify_email, accounts.secure) == ("https://api.example.com", True, True)
    assert not Settings(production=True).accounts().verify_email
    assert not Settings().accounts().verify_email
