"""The database as the rest of Pellucid sees it: sessions, transactions and the catalog, behind one door."""

import asyncio
from contextlib import suppress
from functools import partial

import asyncpg

from pellucid.database.caller import ACCOUNTS_ROLE, Caller
from pellucid.database.capabilities import Capabilities, Feature
from pellucid.database.catalog.model import Catalog
from pellucid.database.catalog.store import CatalogStore
from pellucid.database.catalog.watch import Watch
from pellucid.database.change import Alone, Change, Changing, change_alone
from pellucid.database.driver import Connection, connect
from pellucid.database.engine import create_engine, pool_of
from pellucid.database.lease import Lease
from pellucid.database.opening import Beginning, Opening, opening
from pellucid.database.options import DatabaseOptions
from pellucid.database.roundtrip import RoundTrip, Trip
from pellucid.database.session import ReadSession, WriteSession
from pellucid.database.sqlstate import translate
from pellucid.database.transaction import Transaction
from pellucid.errors import Denied, FeatureOff
from pellucid.lifecycle import Lifecycle

NOBODY = "Send an access token. Whoever runs this server names a role in anon_role that the database lets it take."
"""What helps where the role of requests without a token is not there."""


class Database(Lifecycle):
    """One database, with the one pool of this process. Start it inside the event loop that uses it.

    Raises:
        PellucidError: PostgreSQL cannot be reached at the start.
    """

    def __init__(self, options: DatabaseOptions, capabilities: Capabilities | None = None) -> None:
        super().__init__()
        self.options = options
        self.capabilities = capabilities or Capabilities()
        self.engine = create_engine(options)
        self._watch = Watch(options)
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def catalog(self) -> Catalog:
        """The exposed schemas, as they were a moment ago. A request takes it once and keeps it."""
        return self._watch.store.current

    @property
    def catalogs(self) -> CatalogStore:
        """Where the catalog is kept, for those who look at it so often that they would rather look there."""
        return self._watch.store

    async def refresh(self) -> Catalog:
        """Read the catalog now; what was committed before the call is in it."""
        try:
            return await self._watch.store.refresh()
        except Exception as fault:
            raise translate(fault) from fault

    def read(self, caller: Caller) -> ReadSession:
        """A session that may only read: ``async with database.read(caller) as session``."""
        return ReadSession(self.engine, self._opening(Beginning(caller, read_only=True)))

    def write(self, caller: Caller) -> WriteSession:
        """A session that commits when its block is left without an exception."""
        return WriteSession(self.engine, self._opening(Beginning(caller)))

    def transaction(self, caller: Caller, *, read_only: bool) -> Transaction:
        """A transaction on the driver's own connection, for the data path."""
        return self.begin(Beginning(caller, read_only=read_only))

    def begin(self, beginning: Beginning) -> Transaction:
        """The same, with more to say about it."""
        transaction = Transaction(self._lease(), self._opening(beginning))
        if not beginning.commits:
            transaction.rollback_only()
        return transaction

    def opening(self, beginning: Beginning) -> Opening:
        """How a transaction would open, for those who open it by a function of their own; see `make`."""
        return self._opening(beginning)

    async def make(self, trip: Trip) -> list[asyncpg.Record]:
        """Run a function that is a whole transaction, in one round trip.

        Raises:
            PellucidError: every error of PostgreSQL and of the way to it, translated; nothing has been done, unless it says otherwise.
        """
        return await RoundTrip(self._lease(), trip, self._stop_statement).make()

    def change(self, beginning: Beginning, change: Change) -> Transaction:
        """A transaction as `begin` makes it, which changes the schema first, on a connection beside the pool. For writes that run nobody
        else's functions: see `Changing`.

        Raises:
            FeatureOff: this process may not change it (production).
        """
        transaction = Changing(self._owner(), self._opening(beginning), change, self._login)
        if not beginning.commits:
            transaction.rollback_only()
        return transaction

    async def change_first(self, change: Change) -> None:
        """Change the schema in a transaction of its own.

        Raises:
            FeatureOff: this process may not change it (production).
            DatabaseError: PostgreSQL refused; nothing has changed.
        """
        await change_alone(self._owner(), change)

    async def ping(self) -> None:
        """Ask PostgreSQL for a sign of life, beside the pool: a busy server is not an ill one.

        Raises:
            Unavailable: it gives none.
        """
        try:
            async with self._watch.line.use() as connection:
                await connection.execute("select 1")
        except Exception as fault:
            raise translate(fault) from fault

    async def _start(self) -> None:
        connecting = asyncio.create_task(self._connect())
        try:
            try:
                await self._watch.start()
            finally:
                await connecting
        except Exception as fault:
            raise translate(fault) from fault

    async def _connect(self) -> None:
        """Open a first connection. SQLAlchemy asks a few things on it, and no request shall wait for that."""
        async with self.engine.connect():
            pass

    async def _stop(self) -> None:
        await self._watch.stop()
        if self._closing:
            await asyncio.wait(self._closing)
        await self.engine.dispose()

    def _owner(self) -> Lease:
        """Brings a connection of the role that may change the schema."""
        if self.options.admin_dsn is None:
            raise FeatureOff(
                "This server does not change the schema of its database.",
                hint="Change it with a migration of your own.",
            )
        return Alone(partial(self._admin, self.options.admin_dsn), self._closing)

    async def _admin(self, dsn: str) -> Connection:
        """Open a connection of the role that may change the schema."""
        connection: Connection = await connect(
            dsn,
            application_name=f"{self.options.application_name} schema",
            within=self.options.connect_timeout,
            kind=Connection,
            session=self.options.session,
        )
        return connection

    async def _login(self) -> str | None:
        """The role that requests log in as, quoted; None where the same one changes the schema."""
        if self.options.dsn == self.options.admin_dsn:
            return None
        async with self._watch.line.use() as connection:
            return str(await connection.fetchval("select quote_ident(session_user)"))

    def _lease(self) -> Lease:
        return Lease(pool_of(self.engine), self._closing)

    def _stop_statement(self, process: int) -> None:
        task = asyncio.create_task(self._cancel(process))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _cancel(self, process: int) -> None:
        """Have PostgreSQL end what a connection of ours is doing, beside the pool: it may be full."""
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            async with self._watch.line.use() as connection:
                await connection.execute("select pg_cancel_backend($1)", process)

    def _opening(self, beginning: Beginning) -> Opening:
        role = beginning.caller.role
        self._admit(role)
        return opening(beginning, self.catalog, anonymous=role == self.options.anon_role)

    def _admit(self, role: str) -> None:
        """Let in the roles that a request may take, and no others.

        PostgreSQL itself would let the role that logged in take ``none``, which is itself, and a superuser would take any.

        Raises:
            FeatureOff: the role should be there and could not be made.
            Denied: no request may take it.
        """
        if role == ACCOUNTS_ROLE:
            self.capabilities.require(Feature.ACCOUNTS)
            return
        if role in self.catalog.roles:
            return
        self.capabilities.require(Feature.DATA_API)
        raise Denied(
            f'role "{role}" does not exist',
            sqlstate="22023",
            postgrest_status=401,
            hint=NOBODY if role == self.options.anon_role else "Ask for a token with another role.",
        )
