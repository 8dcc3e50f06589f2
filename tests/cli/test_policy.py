"""``pellucid policy`` and ``pellucid doctor`` as they are typed."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from pellucid.cli import access
from pellucid.cli.main import app
from pellucid.database.bootstrap import bootstrap
from pellucid.errors import StartupError
from pellucid.policy.facts import Facts, Scope
from pellucid.policy.survey import opened, survey
from pellucid.postgres.cluster import Cluster, ClusterOptions
from pellucid.postgres.lock import InstanceLock
from pellucid.postgres.processes import processes_in
from tests.conftest import OPTIONS, TEMPLATE, run, within

numbers = count(1)
STAGE = """
create table notes (id int primary key, owner uuid, text text);
create table wide (id int, secret text);
grant select (id) on wide to authenticated;
create policy "[/odd]" on wide using (secret = any (array['[bold]']));
create view seen as select * from notes;
create function hello() returns int language sql security definer set search_path = '' return 1;
alter table notes enable row level security;
create policy mine on notes for select to authenticated using (owner = (select auth.uid()));
grant select on notes to authenticated
"""


def staged(cluster: Cluster) -> Iterator[str]:
    """A database with tables, and no event loop around: the commands bring their own."""
    name = f"policy_{next(numbers)}"
    asyncio.run(run(cluster.admin_dsn, f"create database {name} template {TEMPLATE}"))
    asyncio.run(run(within(cluster.admin_dsn, name), STAGE))
    yield within(cluster.admin_dsn, name)
    asyncio.run(run(cluster.admin_dsn, f"drop database {name} with (force)"))


@pytest.fixture(scope="module")
def url(cluster: Cluster) -> Iterator[str]:
    """For all that only look."""
    yield from staged(cluster)


@pytest.fixture
def changing(cluster: Cluster) -> Iterator[str]:
    """For one that changes it."""
    yield from staged(cluster)


def typed(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, [*arguments, "--db", url], env={"FORCE_COLOR": None, "COLUMNS": "200"}, catch_exceptions=False
    )


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [row.split("\t") for row in result.stdout.splitlines()]


class TestList:
    def test_a_line_for_each_role_and_right(self, url: str) -> None:
        lines = rows(typed(url, "policy", "list"))
        assert ["public.notes", "anon", "select", "no grant"] in lines
        using = "mine: using ((owner = ( SELECT auth.uid() AS uid)))"
        assert ["public.notes", "authenticated", "select", "by policy", using] in lines
        assert ["public.notes", "service_role", "delete", "every row, by right"] in lines
        assert ["public.wide", "authenticated", "select", "every row", "(id)"] in lines
        assert ["public.seen", "service_role", "select", "as the owner"] in lines
        assert ["public.hello()", "anon", "execute", "as postgres", 'search_path = ""'] in lines

    def test_one_table_and_one_role(self, url: str) -> None:
        lines = rows(typed(url, "policy", "list", "notes", "--role", "anon"))
        assert {(line[0], line[1]) for line in lines} == {("public.notes", "anon")}

    def test_json(self, url: str) -> None:
        told: dict[str, Any] = json.loads(typed(url, "policy", "list", "--json").stdout)
        notes = next(table for table in told["tables"] if table["table"] == "public.notes")
        assert notes["row_security"]
        assert notes["policies"][0]["commands"] == ["select"]
        reach = {(each["role"], each["privilege"]): each["reach"] for each in notes["access"]}
        assert reach["authenticated", "select"] == "by policy"
        assert told["functions"][0]["security_definer"]

    def test_tables_for_a_person(self, url: str) -> None:
        async def look() -> Facts:
            async with opened(url) as connection:
                return await survey(connection, Scope())

        facts = asyncio.run(look())
        stream = StringIO()
        console = Console(file=stream, force_terminal=True, width=200)
        console.print(access.as_tables(facts, facts.tables, facts.roles, facts.routines))
        for words in (
            "Who may do what",
            "row level security on",
            "mine",
            "(id)",
            "view, as postgres",
            "hello()",
            "[/odd]",
            "'[bold]'",
        ):
            assert words in stream.getvalue()

    @pytest.mark.parametrize(
        ("arguments", "way_out"), [(["nots"], "did you mean notes?"), (["--role", "anonymous"], "did you mean anon?")]
    )
    def test_what_is_not_there(self, url: str, arguments: list[str], way_out: str) -> None:
        result = typed(url, "policy", "list", *arguments)
        assert result.exit_code == 2
        assert way_out in result.stderr


class TestAdd:
    def test_it_shows_and_changes_nothing(self, url: str) -> None:
        result = typed(url, "policy", "add", "notes", "owner")
        assert result.exit_code == 0
        assert result.stdout.startswith("begin;\nalter table public.notes enable row level security;")
        assert result.stdout.endswith("commit;\n")
        assert "Nothing was changed" in result.stderr
        assert "owner: all" not in typed(url, "policy", "list").stdout

    def test_it_applies(self, changing: str) -> None:
        result = typed(changing, "policy", "add", "notes", "owner", "--replace", "--may", "select, insert", "--apply")
        assert (result.exit_code, result.stderr) == (0, "Done.\n")
        lines = rows(typed(changing, "policy", "list", "notes", "--role", "authenticated"))
        assert [line[3] for line in lines] == ["by policy", "by policy", "no grant", "no grant"]

    def test_what_was_shown_is_what_applies(self, changing: str) -> None:
        shown = typed(changing, "policy", "add", "notes", "public-read").stdout
        asyncio.run(run(changing, shown))
        assert "everybody: select" in typed(changing, "policy", "list", "notes", "--role", "anon").stdout

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nots", "owner"], "did you mean notes?"),
            (["notes", "owner", "--column", "text"], "a uuid"),
            (["notes", "owner", "--may", "selekt"], "did you mean select?"),
            (["notes", "tenant", "--column", "id", "--via", "x("], "members(tenant_id,user_id)"),
            (["seen", "owner"], "security_invoker"),
            (["notes", "no-such-preset"], "public-read"),
        ],
    )
    def test_what_does_not_fit(self, url: str, arguments: list[str], message: str) -> None:
        result = typed(url, "policy", "add", *arguments, "--apply")
        assert result.exit_code == 2
        assert message in result.stderr
        assert result.stdout == ""


class TestDrop:
    def test_it_drops(self, changing: str) -> None:
        assert "drop policy mine on public.notes;" in typed(changing, "policy", "drop", "notes", "mine").stdout
        assert typed(changing, "policy", "drop", "notes", "mine", "--apply").exit_code == 0
        result = typed(changing, "policy", "drop", "notes", "mine")
        assert result.exit_code == 2
        assert 'has no policy "mine" → it has none' in result.stderr


class TestDoctor:
    def test_errors_are_status_1(self, url: str) -> None:
        result = typed(url, "doctor")
        assert result.exit_code == 1
        assert "error    public.wide" in result.stdout
        assert "alter table public.wide enable row level security;" in result.stdout
        assert "docs/reference/doctor.md#table-without-rls" in result.stdout
        assert "1 error, 2 warnings; 3 tables looked at." in result.stdout

    def test_json(self, url: str) -> None:
        findings = json.loads(typed(url, "doctor", "--json").stdout)
        assert [each["check"] for each in findings] == ["table-without-rls", "definer-function", "powerful-login"]
        assert set(findings[0]) == {"severity", "object", "message", "sql", "hint", "check", "docs"}

    def test_its_sql_mends_the_errors(self, changing: str) -> None:
        asyncio.run(run(changing, 'create table "a\n; drop table notes; --" (id int)'))
        asyncio.run(run(changing, 'grant select on "a\n; drop table notes; --" to anon'))
        script = typed(changing, "doctor", "--fix")
        assert script.exit_code == 0
        asyncio.run(run(changing, script.stdout))
        result = typed(changing, "doctor")
        assert result.exit_code == 0
        assert "error" not in result.stdout
        assert "public.notes" in typed(changing, "policy", "list").stdout


def test_an_instance_that_runs_and_one_that_does_not(tmp_path: Path) -> None:
    place = tmp_path / "instance"

    def examined() -> Result:
        return CliRunner().invoke(app, ["doctor", "--data", str(place)])

    none = examined()
    assert isinstance(none.exception, StartupError)
    assert "there is no database" in none.exception.message
    cluster = Cluster(ClusterOptions(place, binaries=OPTIONS.binaries))
    try:
        with InstanceLock(place):
            cluster.start()
            bare = examined()
            assert isinstance(bare.exception, StartupError)
            assert 'role "authenticator" does not exist → pellucid serve' in told(bare.exception)
            asyncio.run(bootstrap(cluster.admin_dsn))
            assert examined().stdout == "Nothing found; 0 tables looked at.\n"
            cluster.stop()
        assert examined().stdout == "Nothing found; 0 tables looked at.\n"
        assert not processes_in(cluster.placement.data)
    finally:
        cluster.stop()
        shutil.rmtree(cluster.placement.home, ignore_errors=True)


def told(error: StartupError) -> str:
    return f"{error.message} → {error.hint}"
