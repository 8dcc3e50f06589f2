import asyncio
import threading
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher, extract_parameters

from pellucid.auth.common_passwords import common_passwords
from pellucid.auth.passwords import MAX_BYTES, PasswordOptions, Passwords, resembles, weakness
from pellucid.errors import Unavailable

CHEAP = PasswordOptions(passes=1, memory=64, lanes=1)


def test_the_defaults_are_the_second_recommendation_of_the_standard() -> None:
    options = PasswordOptions()
    assert (options.passes, options.memory, options.lanes) == (3, 65_536, 4)


async def test_a_hash_is_argon2id_with_the_options_and_a_salt_of_its_own() -> None:
    passwords = Passwords(CHEAP)
    one, two = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert one != two
    parameters = extract_parameters(one)
    assert one.startswith("$argon2id$")
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (1, 64, 1)
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)


async def test_only_the_same_password_fits() -> None:
    passwords = Passwords(CHEAP)
    hashed = await passwords.hash("correct horse battery")
    assert await passwords.verify("correct horse battery", hashed)
    assert not await passwords.verify("correct horse batterY", hashed)
    assert not await passwords.verify("", hashed)


async def test_nothing_is_cut_off_and_nul_is_a_character() -> None:
    passwords = Passwords(CHEAP)
    long = "x" * 500
    hashed = await passwords.hash(long + "a")
    assert not await passwords.verify(long + "b", hashed)
    assert not await passwords.verify(long, hashed)
    hashed = await passwords.hash("before\0after")
    assert not await passwords.verify("before\0other", hashed)
    assert not await passwords.verify("before", hashed)


async def test_the_same_characters_typed_otherwise_are_the_same_password() -> None:
    passwords = Passwords(CHEAP)
    hashed = await passwords.hash("cafe\u0301 au lait")
    assert await passwords.verify("caf\u00e9 au lait", hashed)
    assert await passwords.verify("\uff43af\u00e9 au lait", hashed)


async def test_nobodys_hash_fits_no_password_and_costs_the_same() -> None:
    passwords = Passwords(CHEAP)
    assert not await passwords.verify("anything", None)
    nobody = extract_parameters(passwords._nobody)
    assert nobody == extract_parameters(await passwords.hash("anything"))


@pytest.mark.parametrize(
    "hashed", ["", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$"]
)
async def test_what_is_no_hash_fits_nothing(hashed: str) -> None:
    assert not await Passwords(CHEAP).verify("plain", hashed)


async def test_a_hash_of_another_cost_is_outdated() -> None:
    hashed = await Passwords(CHEAP).hash("correct horse")
    assert not Passwords(CHEAP).outdated(hashed)
    assert Passwords(PasswordOptions(passes=2, memory=64, lanes=1)).outdated(hashed)


class Gate(PasswordHasher):
    """The real hasher, held at a gate, so that a test sees how many are inside."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.inside = 0
        self.most = 0
        self.threads: set[int] = set()
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.entered: Callable[[], object] = lambda: None

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.threads.add(threading.get_ident())
        self.entered()
        self.open.wait(30)
        with self.lock:
            self.inside -= 1
        return super().hash(password, salt=salt)


async def test_hashing_leaves_the_loop_alone_and_only_a_few_run_at_once() -> None:
    passwords, gate = Passwords(PasswordOptions(passes=1, memory=64, lanes=1, at_once=2, waiting=3)), Gate()
    passwords._hasher = gate
    loop, both_inside = asyncio.get_running_loop(), asyncio.Event()
    gate.entered = lambda: gate.inside == 2 and loop.call_soon_threadsafe(both_inside.set)
    running = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(5)]
    await both_inside.wait()
    assert passwords._limiter.statistics().tasks_waiting == 3
    with pytest.raises(Unavailable) as caught:
        await passwords.hash("one too many")
    assert caught.value.headers["Retry-After"] == "1"
    gate.open.set()
    assert len(set(await asyncio.gather(*running))) == 5
    assert gate.most == 2
    assert threading.get_ident() not in gate.threads


@pytest.mark.parametrize(
    "password",
    [
        "passwort",
        "Password",
        "PASSWORD",
        "P@ssw0rd",
        "12345678",
        "qwertyuiop",
        "iloveyou",
        "aaaaaaaaaa",
        "\uff11\uff12345678",
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert "tried first" in str(weakness(password))


@pytest.mark.parametrize("password", ["", "short", "1234567", "e\u0301" * 7, "\U0001f600" * 7])
def test_fewer_than_eight_characters_are_refused(password: str) -> None:
    assert "at least 8 characters" in str(weakness(password))


@pytest.mark.parametrize(
    "password",
    ["a b c d e f", "correct horse", "пять слов", "x7" * 32, "x7" * (MAX_BYTES // 2), "\U0001f600\U0001f601" * 4],
)
def test_any_characters_are_accepted_up_to_the_cap(password: str) -> None:
    assert weakness(password) is None


def test_beyond_the_cap_is_refused_by_bytes_of_what_is_hashed() -> None:
    assert "at most 1024 bytes" in str(weakness("x7" * (MAX_BYTES // 2) + "x"))
    assert "at most 1024 bytes" in str(weakness("\u00e9\u00e8" * 300))
    assert "at most 1024 bytes" in str(weakness("\ufdfa!" * 60))


@pytest.mark.parametrize("password", ["ada.lovelace@example.com", "Ada.Lovelace", "ADA.LOVELACE@EXAMPLE.COM"])
def test_the_address_is_no_password(password: str) -> None:
    assert resembles(password, "ada.lovelace@example.com")
    assert not resembles("analytical engine", "ada.lovelace@example.com")


def test_the_list_is_worth_carrying() -> None:
    assert 10_000 < len(common_passwords()) < 30_000
    assert all(len(password) >= 8 and password == password.casefold() for password in common_passwords())
