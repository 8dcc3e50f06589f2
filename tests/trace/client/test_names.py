"""From a name to addresses, with a real name server that is slow, silent or wrong as the test wants it."""

import asyncio
from pathlib import Path

import pytest

from pellucid.observe import Stage
from pellucid.trace.client.asked import Origin, Ways
from pellucid.trace.client.failure import Failed
from pellucid.trace.client.hosts import in_hosts_file
from pellucid.trace.client.names import resolve
from pellucid.trace.client.notes import Facts
from pellucid.trace.client.questions import Config, ask
from tests.trace.client.conftest import Asker, facts
from tests.trace.client.servers import name_server

RECORDS = {
    ("api.test.", "A"): ["127.0.0.1"],
    ("api.test.", "AAAA"): ["::1"],
    ("old.test.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("www.test.", "CNAME"): ["api.test."],
}
API = Origin("http", "api.test", 80)


@pytest.fixture
def some_hosts(no_hosts: Path) -> Path:
    """A hosts file with two addresses for a name."""
    no_hosts.write_text("# names\n192.0.2.8 other.test own.test # a comment\n::8 OWN.test\nnonsense own.test\n")
    return no_hosts


async def test_both_families_are_asked_for_and_told(no_hosts: Path) -> None:
    told: Facts = {}
    async with name_server(RECORDS) as (names, address):
        assert await resolve(API, Ways(dns_server=address, hosts=no_hosts), told) == ("::1", "127.0.0.1")
    assert set(names.asked) == {("api.test.", "A"), ("api.test.", "AAAA")}
    assert told["server"] == f"127.0.0.1:{address[1]}, UDP"
    assert (told["A"], told["AAAA"], told["ttl"]) == ("127.0.0.1 (TTL 300 s)", "::1 (TTL 300 s)", 300)
    assert (told["from"], told["questions"]) == ("DNS", 2)


async def test_a_question_that_got_lost_is_asked_again(no_hosts: Path) -> None:
    told: Facts = {}
    async with name_server(RECORDS, A=1) as (_, address):
        found = await resolve(API, Ways(dns_server=address, dns_timeout=0.05, hosts=no_hosts), told)
    assert "127.0.0.1" in found
    assert told["trouble"] == f"127.0.0.1:{address[1]} (silent)"
    assert told["questions"] == 3


async def test_a_server_that_keeps_silent_about_ipv6_is_not_waited_for(no_hosts: Path) -> None:
    told: Facts = {}
    async with name_server(RECORDS, AAAA=1000) as (_, address):
        assert await resolve(API, Ways(dns_server=address, dns_timeout=30, hosts=no_hosts), told) == ("127.0.0.1",)
    assert told["AAAA"] == "not said in time, and not waited for"


async def test_a_dead_server_gives_way_to_the_next() -> None:
    async with name_server(RECORDS) as (_, address):
        reply = await ask("old.test.", "A", (("127.0.0.1", 1), address), 0.5)
    assert sorted(reply.addresses) == ["192.0.2.1", "192.0.2.2"]
    assert (reply.asked, reply.server) == (2, address)
    assert reply.silent[0].startswith("127.0.0.1:1 (")


async def test_an_alias_is_followed_and_told(no_hosts: Path) -> None:
    told: Facts = {}
    async with name_server(RECORDS) as (_, address):
        found = await resolve(Origin("http", "www.test", 80), Ways(dns_server=address, hosts=no_hosts), told)
    assert (found, told["alias"], told["ttl"]) == (("::1", "127.0.0.1"), "api.test", 30)


async def test_a_name_that_is_not_there_is_said_so(plain: int, no_hosts: Path) -> None:
    async with name_server(RECORDS) as (_, address):
        asker = Asker(Ways(dns_server=address, hosts=no_hosts))
        journey = await asker(f"http://nowhere.test:{plain}/")
    assert asker.failure is not None
    assert "there is no such name" in asker.failure.message
    assert facts(journey, Stage.DNS)["question"] == "nowhere.test. A, AAAA"


async def test_a_name_without_addresses_is_said_so(no_hosts: Path) -> None:
    async with name_server({("mail.test.", "MX"): ["10 mail.test."]}) as (_, address):
        with pytest.raises(Failed, match="no address"):
            await resolve(Origin("http", "mail.test", 80), Ways(dns_server=address, hosts=no_hosts), {})


async def test_a_name_that_can_be_none_is_said_so() -> None:
    with pytest.raises(Failed, match="cannot be a name"):
        await resolve(Origin("http", "a" * 70 + ".test", 80), Ways(), {})


async def test_nobody_to_ask_is_an_error_that_names_the_silent(no_hosts: Path) -> None:
    async with name_server(RECORDS, A=9, AAAA=9) as (_, address):
        with pytest.raises(Failed, match=rf"127\.0\.0\.1:{address[1]} \(silent\)"):
            await resolve(API, Ways(dns_server=address, dns_timeout=0.02, hosts=no_hosts), {})


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("192.0.2.9", ("192.0.2.9",)),
        ("::1", ("::1",)),
        ("given.test", ("192.0.2.7",)),
        ("own.test", ("192.0.2.8", "::8")),
    ],
)
async def test_what_is_known_is_not_asked(host: str, found: tuple[str, ...], some_hosts: Path) -> None:
    ways = Ways(hosts=some_hosts, resolve={("given.test", 80): ("192.0.2.7",)}, dns_server=("127.0.0.1", 1))
    assert await resolve(Origin("http", host, 80), ways, {}) == found


async def test_localhost_is_this_machine_whatever_the_files_say(no_hosts: Path) -> None:
    assert await resolve(Origin("http", "app.localhost", 80), Ways(hosts=no_hosts), {}) == ("::1", "127.0.0.1")


def test_a_hosts_file_that_is_not_there_knows_nothing(no_hosts: Path) -> None:
    assert in_hosts_file("own.test", no_hosts) == ()


def test_a_short_name_is_tried_with_the_domains_of_the_machine() -> None:
    config = Config((), ("corp.test", "test"))
    assert config.candidates("db") == ["db.corp.test.", "db.test.", "db."]
    assert config.candidates("db.corp") == ["db.corp.", "db.corp.corp.test.", "db.corp.test."]
    assert config.candidates("db.") == ["db."]


async def test_a_cancelled_search_leaves_no_question_behind(no_hosts: Path) -> None:
    before = asyncio.all_tasks()
    async with name_server(RECORDS, A=9, AAAA=9) as (names, address):
        task = asyncio.create_task(resolve(API, Ways(dns_server=address, dns_timeout=60, hosts=no_hosts), {}))
        await names.asked_twice.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == before
