"""Where settings come from, which of them wins, and how a mistake is told."""

from pathlib import Path

import pytest

from pellucid.cli.sources import POSTGREST, POSTGREST_IDLE, load
from pellucid.database.catalog.model import TableName
from pellucid.errors import StartupError
from pellucid.rest.options import DataOptions, OpenApiMode, TransactionEndPolicy
from pellucid.settings import Settings


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_nearer_source_wins(here: Path) -> None:
    write(here / "pellucid.toml", "port = 1\n")
    postgrest = {"PGRST_SERVER_PORT": "2"}
    own = postgrest | {"PELLUCID_PORT": "3"}
    assert load({}, {}).settings.port == 1
    assert load({}, postgrest).settings.port == 2
    assert load({}, own).settings.port == 3
    assert load({"port": 4}, own).settings.port == 4
    assert load({"port": None}, own).settings.port == 3


def test_an_empty_variable_is_none() -> None:
    assert load({}, {"PELLUCID_PORT": "", "PELLUCID_DB": ""}).settings == Settings()


def test_postgrests_names_are_settings() -> None:
    assert set(POSTGREST.values()) <= set(Settings.model_fields)
    assert not POSTGREST.keys() & POSTGREST_IDLE.keys()


def test_a_postgrest_configuration_is_understood() -> None:
    loaded = load(
        {"production": True},
        {
            "PGRST_DB_URI": "postgres://authenticator@db/app",
            "PGRST_DB_SCHEMAS": "api, public",
            "PGRST_DB_ANON_ROLE": "web_anon",
            "PGRST_DB_MAX_ROWS": "1000",
            "PGRST_JWT_SECRET": "s" * 32,
            "PGRST_SERVER_HOST": "!4",
            "PGRST_LOG_LEVEL": "crit",
        },
    )
    settings = loaded.settings
    assert (settings.schemas, settings.anon_role, settings.max_rows) == (("api", "public"), "web_anon", 1000)
    assert (settings.host, settings.log_level) == ("0.0.0.0", "critical")
    assert settings.tokens().secret == b"s" * 32
    assert loaded.warnings == ()


def test_the_rest_of_a_postgrest_configuration_is_understood() -> None:
    loaded = load(
        {},
        {
            "PGRST_APP_SETTINGS_MY_Key": "k",
            "PGRST_CLIENT_ERROR_VERBOSITY": "minimal",
            "PGRST_DB_AGGREGATES_ENABLED": "False",
            "PGRST_DB_EXTRA_SEARCH_PATH": "public, extensions",
            "PGRST_DB_HOISTED_TX_SETTINGS": "work_mem",
            "PGRST_DB_PLAN_ENABLED": "1",
            "PGRST_DB_PRE_REQUEST": "private.check",
            "PGRST_DB_ROOT_SPEC": "root",
            "PGRST_DB_TX_END": "rollback-allow-override",
            "PGRST_OPENAPI_MODE": "ignore-privileges",
            "PGRST_OPENAPI_SECURITY_ACTIVE": "true",
            "PGRST_OPENAPI_SERVER_PROXY_URI": "https://api.example/",
            "PGRST_SERVER_TRACE_HEADER": "X-Request-Id",
        },
    )
    assert loaded.warnings == ()
    assert loaded.settings.web().trace_header == "X-Request-Id"
    assert loaded.settings.data_api() == DataOptions(
        extra_search_path=("public", "extensions"),
        aggregates=False,
        plan=True,
        pre_request=TableName("private", "check"),
        root_spec=TableName("", "root"),
        tx_end=TransactionEndPolicy.ROLLBACK_ALLOW_OVERRIDE,
        app_settings=(("app.settings.my_key", "k"),),
        hoisted_settings=("work_mem",),
        openapi_mode=OpenApiMode.IGNORE_PRIVILEGES,
        openapi_security=True,
        openapi_server_proxy_uri="https://api.example/",
    )
    assert not loaded.settings.web().verbose_errors


@pytest.mark.parametrize("prefix", ["PGRST_DB_", "PELLUCID_"])
def test_an_empty_variable_may_mean_none_of_it(prefix: str) -> None:
    settings = load({}, {f"{prefix}ANON_ROLE": "", f"{prefix}EXTRA_SEARCH_PATH": ""}).settings
    assert (settings.anon_role, settings.extra_search_path) == (None, ())


def test_no_origin_in_particular_is_every_origin_to_postgrest_and_none_here() -> None:
    assert load({}, {"PGRST_SERVER_CORS_ALLOWED_ORIGINS": ""}).settings.cors_origins == ("*",)
    assert load({}, {"PELLUCID_CORS_ORIGINS": ""}).settings.cors_origins == ()


def test_settings_of_the_application(here: Path) -> None:
    write(here / "pellucid.toml", '[app_settings]\nColour = "red"\n')
    assert load({}, {}).settings.app_settings == {"colour": "red"}
    assert load({}, {"PELLUCID_APP_SETTINGS_COLOUR": "blue"}).settings.app_settings == {"colour": "blue"}
    with pytest.raises(StartupError, match=r"app_settings in PELLUCID_APP_SETTINGS_\*: a-b is no name"):
        load({}, {"PELLUCID_APP_SETTINGS_A-B": "1"})


def test_what_is_empty_is_told_so() -> None:
    for name in ("db", "host", "channel"):
        with pytest.raises(StartupError, match=f"{name} in --{name}: it is empty"):
            load({name: ""}, {})


class TestFile:
    def test_names_may_have_hyphens(self, here: Path) -> None:
        write(here / "pellucid.toml", 'max-body = "1MB"\nschemas = ["a", "b"]\n')
        settings = load({}, {}).settings
        assert (settings.max_body, settings.schemas) == (1_000_000, ("a", "b"))

    @pytest.mark.parametrize("name", ["port", "workers", "pool_timeout", "max_body", "audit_days"])
    def test_true_is_no_number(self, here: Path, name: str) -> None:
        write(here / "pellucid.toml", f"{name} = true\n")
        with pytest.raises(StartupError, match=f"{name} in pellucid.toml: it is no switch"):
            load({}, {})

    def test_switches_are_switches(self, here: Path) -> None:
        write(here / "pellucid.toml", "share = false\nverify_email = true\n")
        settings = load({}, {}).settings
        assert (settings.share, settings.verify_email) == (False, True)

    def test_paths_are_relative_to_the_file(self, here: Path) -> None:
        file = write(here / "etc" / "own.toml", 'data = "instance"\n')
        assert load({}, {}, file).settings.data == here / "etc" / "instance"
        assert load({}, {"PELLUCID_CONFIG": str(file)}).settings.data == here / "etc" / "instance"

    def test_an_unknown_name_is_refused(self, here: Path) -> None:
        write(here / "pellucid.toml", "prot = 1\n")
        with pytest.raises(StartupError, match=r"pellucid\.toml names an unknown setting, prot") as caught:
            load({}, {})
        assert caught.value.hint == "did you mean port?"

    def test_one_that_is_not_there(self) -> None:
        with pytest.raises(StartupError, match=r"nowhere\.toml cannot be read: No such file"):
            load({}, {}, Path("nowhere.toml"))

    @pytest.mark.parametrize("content", [b"port = ", b"\xff"])
    def test_one_that_is_not_toml(self, here: Path, content: bytes) -> None:
        (here / "pellucid.toml").write_bytes(content)
        with pytest.raises(StartupError, match=r"pellucid\.toml is not TOML"):
            load({}, {})


class TestMistakes:
    @pytest.mark.parametrize(
        ("line", "environment", "start"),
        [
            ({"port": 70_000}, {}, "port in --port: "),
            ({}, {"PELLUCID_PORT": "abc"}, "port in PELLUCID_PORT: "),
            ({}, {"PGRST_DB_POOL": "0"}, "pool_size in PGRST_DB_POOL: "),
            ({}, {"PELLUCID_LOG_FORMAT": "xml"}, "log_format in PELLUCID_LOG_FORMAT: "),
        ],
    )
    def test_one_line_names_the_setting_and_its_place(
        self, line: dict[str, object], environment: dict[str, str], start: str
    ) -> None:
        with pytest.raises(StartupError) as caught:
            load(line, environment)
        assert caught.value.message.startswith(start)
        assert "\n" not in caught.value.message
        assert caught.value.hint

    def test_the_others_are_named_too(self) -> None:
        with pytest.raises(StartupError, match=r"also wrong: workers"):
            load({}, {"PELLUCID_PORT": "abc", "PELLUCID_WORKERS": "0"})

    def test_a_secret_is_not_repeated(self) -> None:
        with pytest.raises(StartupError) as caught:
            load({}, {"PELLUCID_JWT_SECRET": "@/no/such/file", "PELLUCID_DB": "hunter2", "PELLUCID_PORT": "x"})
        assert "hunter2" not in f"{caught.value} {caught.value.hint}"

    def test_a_variable_without_effect_is_told(self) -> None:
        variables = {"PELLUCID_PROT": "1", "PELLUCID_ZZZZZZ": "1", "PGRST_DB_POOL_MAX_LIFETIME": "9", "PGRST_ZZ": "1"}
        warnings = load({}, variables).warnings
        assert warnings == (
            "PELLUCID_PROT has no effect: did you mean PELLUCID_PORT?",
            "PELLUCID_ZZZZZZ has no effect: there is no such setting",
            "PGRST_DB_POOL_MAX_LIFETIME has no effect: connections are kept as long as they work",
            "PGRST_ZZ has no effect: Pellucid has no such setting",
        )
