"""The sessions of users' own code."""

import asyncpg
import pytest
from sqlalchemy import ForeignKey, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from pellucid.database.caller import ACCOUNTS, Caller
from pellucid.database.core import Database
from pellucid.database.session import ReadSession
from pellucid.errors import BrokenReference, DatabaseError, Denied, Duplicate, ReadOnly, Unavailable
from pellucid.observe import Stage, listen, unlisten

pytestmark = pytest.mark.usefixtures("notes")
ANON = Caller("anon")
USER = Caller("authenticated", '{"sub":"018f3c5e-7d2a-7c4e-9b1a-2f6d8e0c4b7a"}', (("request.path", "/x"),))
WHO = text(
    "select current_user::text, auth.uid()::text, current_setting('request.path'), current_setting('statement_timeout')"
)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    parent: Mapped[int | None] = mapped_column(ForeignKey("note.id"))


async def notes_in(admin: asyncpg.Connection) -> list[int]:
    return [row["id"] for row in await admin.fetch("select id from note order by id")]


async def test_each_transaction_opens_with_role_claims_and_settings(database: Database) -> None:
    expected = ("authenticated", "018f3c5e-7d2a-7c4e-9b1a-2f6d8e0c4b7a", "/x", "8s")
    async with database.write(USER) as session:
        assert tuple((await session.execute(WHO)).one()) == expected
        await session.commit()
        assert tuple((await session.execute(WHO)).one()) == expected
        await session.rollback()
        async with session.begin_nested():
            assert tuple((await session.execute(WHO)).one()) == expected


async def test_leaving_the_block_commits(database: Database, admin: asyncpg.Connection) -> None:
    async with database.write(ANON) as session:
        note = Note(id=1, text="one")
        session.add(note)
    assert await notes_in(admin) == [1]
    assert note.text == "one"


async def test_an_exception_rolls_back(database: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(KeyError):  # noqa: PT012 - it is leaving the block that matters
        async with database.write(ANON) as session:
            session.add(Note(id=1))
            await session.commit()
            session.add(Note(id=2))
            await session.flush()
            raise KeyError
    assert await notes_in(admin) == [1]


async def test_users_code_sees_sqlalchemys_errors_and_clients_see_ours(
    database: Database, admin: asyncpg.Connection
) -> None:
    async with database.write(ANON) as session:
        session.add(Note(id=1, text="one"))
        await session.flush()
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                session.add(Note(id=2, text="one"))
        session.add(Note(id=3))
    assert await notes_in(admin) == [1, 3]
    with pytest.raises(Duplicate) as caught:
        async with database.write(ANON) as session:
            session.add(Note(id=2, text="one"))
    assert [fault.field for fault in caught.value.faults] == ["text"]


async def test_a_commit_that_fails_is_an_error(database: Database, admin: asyncpg.Connection) -> None:
    for explicit in (True, False):
        with pytest.raises(BrokenReference) as caught:  # noqa: PT012 - both ways to commit
            async with database.write(ANON) as session:
                session.add(Note(id=1, parent=99))
                if explicit:
                    await session.commit()
        assert caught.value.faults[0].field == "parent"
    assert await notes_in(admin) == []


async def test_an_error_that_somebody_swallowed_is_no_commit(database: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(DatabaseError) as caught:  # noqa: PT012 - it is leaving the block that raises
        async with database.write(ANON) as session:
            await session.execute(text("insert into note values (1)"))
            with pytest.raises(IntegrityError):
                await session.execute(text("insert into note values (1)"))
    assert caught.value.sqlstate == "25P02"
    assert await notes_in(admin) == []


async def test_a_reader_writes_nothing(database: Database, admin: asyncpg.Connection) -> None:
    async with database.read(ANON) as session:
        assert (await session.scalars(select(Note))).all() == []
    with pytest.raises(ReadOnly):
        async with database.read(ANON) as session:
            await session.execute(text("insert into note values (1)"))
    with pytest.raises(ReadOnly):  # noqa: PT012 - so does an explicit commit
        async with database.read(ANON) as session:
            session.add(Note(id=1))
            await session.commit()
    with pytest.raises(ReadOnly):
        async with database.read(ANON) as session:
            session.add(Note(id=1))
    assert await notes_in(admin) == []


async def test_a_writer_fits_where_a_reader_is_asked_for(database: Database) -> None:
    assert isinstance(database.write(ANON), ReadSession)


async def test_the_account_role_sees_accounts_and_others_see_themselves(database: Database) -> None:
    async with database.write(ACCOUNTS) as session:
        add = text("insert into auth.users (email) values (:email) returning id::text")
        ids = [(await session.execute(add, {"email": f"{name}@example.com"})).scalar_one() for name in ("a", "b")]
    seen = text("select id::text, email from auth.users")
    async with database.read(Caller("authenticated", f'{{"sub":"{ids[0]}"}}')) as session:
        assert [tuple(row) for row in await session.execute(seen)] == [(ids[0], "a@example.com")]
    async with database.read(Caller("service_role")) as session:
        assert len((await session.execute(seen)).all()) == 2
    for caller in (ANON, USER, Caller("service_role")):
        for table in ("auth.passwords", *(["auth.users"] if caller is ANON else [])):
            with pytest.raises(Denied):
                async with database.read(caller) as session:
                    await session.execute(text(f"select count(*) from {table}"))


async def test_each_stage_is_observed(database: Database) -> None:
    recording, token = listen()
    try:
        async with database.write(ANON) as session:
            await session.execute(text("select 1"))
    finally:
        unlisten(token)
    met = [span.stage for span in recording.spans]
    assert list(dict.fromkeys(met)) == [Stage.POOL, Stage.SESSION, Stage.EXECUTE, Stage.COMMIT]
    assert all(span.ended for span in recording.spans)


async def test_an_error_of_users_own_stays_their_own(database: Database) -> None:
    with pytest.raises(FileNotFoundError):  # noqa: PT012 - it is leaving the block that matters
        async with database.write(ANON) as session:
            await session.execute(text("select 1"))
            raise FileNotFoundError


async def test_a_connection_that_breaks_is_unavailability(database: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(Unavailable) as caught:  # noqa: PT012 - it is the statement after the cut
        async with database.write(ANON) as session:
            pid = (await session.execute(text("select pg_backend_pid()"))).scalar_one()
            await admin.execute("select pg_terminate_backend($1, 5000)", pid)
            await session.execute(text("select 1"))
    assert caught.value.headers["Retry-After"] == "1"
    async with database.write(ANON) as session:
        await session.execute(text("select 1"))


async def test_a_commit_whose_answer_never_came_says_so(database: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(Unavailable) as caught:  # noqa: PT012 - it is leaving the block that raises
        async with database.write(ANON) as session:
            pid = (await session.execute(text("select pg_backend_pid()"))).scalar_one()
            await admin.execute("select pg_terminate_backend($1, 5000)", pid)
    assert "committed" in caught.value.message


async def test_a_session_has_the_isolation_of_its_role(database: Database, admin: asyncpg.Connection) -> None:
    here = await admin.fetchval("select current_database()")
    await admin.execute(f'alter role anon in database "{here}" set default_transaction_isolation = serializable')
    await database.refresh()
    async with database.write(ANON) as session:
        assert await session.scalar(text("show transaction_isolation")) == "serializable"
        assert await session.scalar(text("select '{\"a\": 1}'::json")) == {"a": 1}
