"""What people read when something is wrong: no secrets, one line where one is promised, and always a way out."""

import socket

import asyncpg
import pytest

from pellucid.database.bootstrap import check_version
from pellucid.database.capabilities import Capabilities, Feature, Missing
from pellucid.database.place import describe, unreachable
from pellucid.database.sqlstate import disconnected, translate
from pellucid.errors import FeatureOff, PellucidError, StartupError, Unavailable

DSN = "postgresql://ada:s3cret@db.example:5432/shop"

REASONS: dict[BaseException, str] = {
    asyncpg.InvalidPasswordError("password authentication failed"): "refuses the role or its password",
    asyncpg.InvalidAuthorizationSpecificationError("no entry"): "refuses the role or its password",
    asyncpg.InvalidCatalogNameError("no database"): 'has no database "shop"',
    asyncpg.TooManyConnectionsError("too many"): "no connection left",
    asyncpg.CannotConnectNowError("starting up"): "is starting or stopping",
    TimeoutError(): "Nothing answers in time",
    ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"): "5432: Connection refused.",
    OSError(
        "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] …"
    ): "no address of it answers",
    socket.gaierror(-2, "Name or service not known"): "Name or service not known",
    asyncpg.ProtocolViolationError("odd"): "refuses the connection: odd",
    ValueError("bad port: s3cret"): "cannot be read",
    asyncpg.InterfaceError("s3cret"): "cannot be read",
}


@pytest.mark.parametrize("fault", REASONS, ids=lambda fault: type(fault).__name__)
def test_why_nobody_lets_us_in(fault: BaseException) -> None:
    error = unreachable(DSN, fault)
    assert REASONS[fault] in error.message
    assert error.hint
    assert "s3cret" not in f"{error.message}{error.hint}"


@pytest.mark.parametrize(
    ("dsn", "place"),
    [
        (DSN, "db.example:5432"),
        ("postgresql://ada@/shop?host=/run/postgresql", "/run/postgresql"),
        ("postgresql:///shop", "the default socket"),
        ("postgresql://[broken/shop", "the given URL"),
    ],
)
def test_a_place_is_told_without_its_password(dsn: str, place: str) -> None:
    assert describe(dsn) == place


def test_what_is_missing_is_told_with_the_sql_that_mends_it() -> None:
    lacking = Capabilities(
        150004,
        (
            Missing("the role anon", "create role anon", Feature.DATA_API),
            Missing("the role anon", "create role anon", Feature.ACCOUNTS),
            Missing("the schema pellucid", "create schema pellucid", Feature.ACCOUNTS),
        ),
    )
    assert lacking.data_api == "The data API is off, because the database lacks the role anon."
    assert lacking.accounts == "Accounts are off, because the database lacks the role anon, the schema pellucid."
    assert str(lacking.missing[0]).endswith("create role anon;")
    assert lacking.remedies == (
        ("the data API, accounts · missing: the role anon", "create role anon;"),
        ("accounts · missing: the schema pellucid", "create schema pellucid;"),
    )
    with pytest.raises(FeatureOff):
        lacking.require(Feature.ACCOUNTS)
    lacking.require(Feature.STATISTICS)


def test_an_old_server_is_refused() -> None:
    assert check_version(150000) == 150000
    with pytest.raises(StartupError, match="PostgreSQL 14 is too old"):
        check_version(140012)


@pytest.mark.parametrize(
    "fault",
    [
        ConnectionResetError(104, "reset"),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 11"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_broken_connection_is_unavailability(fault: BaseException) -> None:
    assert disconnected(fault)
    error = translate(fault)
    assert isinstance(error, Unavailable)
    assert error.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    "fault", [KeyError("x"), asyncpg.UniqueViolationError("twice"), asyncpg.OutdatedSchemaCacheError("changed")]
)
def test_other_errors_are_not(fault: BaseException) -> None:
    assert not disconnected(fault)
    assert not isinstance(translate(fault), Unavailable)


def test_what_is_unknown_says_nothing_of_itself() -> None:
    error = translate(KeyError("s3cret"))
    assert type(error) is PellucidError
    assert "s3cret" not in error.message
