"""Whoever looks on while transactions run. The database room calls a witness at fixed points and knows no more of it.

No witness is the usual case, and costs one look at a context variable for each transaction. A witness must not change what a
transaction does: it may set what lasts for the transaction only, and ask for what changes nothing.

It asks on the connection that it is given, of which ``fetch`` gives JSON as text or as values, as the transaction's owner has it. In the
transaction each call has a savepoint of its own; what it asks there runs with its settings, and as the caller.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from pellucid.database.driver import Connection


class Witness(Protocol):
    """Looks on. Errors raised by it are its own: the transaction goes on as if there were none."""

    @property
    def settings(self) -> Sequence[tuple[str, str]]:
        """Settings for the transaction, set as the role that logged in, before the caller's role is taken."""
        ...

    async def opened(self, driver: Connection) -> None:
        """The transaction has begun, as the caller. It comes again where a transaction had to be begun anew."""
        ...

    async def stated(self, driver: Connection, sql: str, args: Sequence[Any], rows: int | None) -> None:
        """A statement has run in it, and gave so many rows."""
        ...

    async def failed(self, driver: Connection, sql: str, args: Sequence[Any], fault: Exception) -> None:
        """A statement has failed in it, and the transaction with it: nothing can be asked in there any more."""
        ...

    async def ending(self, driver: Connection) -> None:
        """It is about to commit or to roll back. It does not come where a statement has failed, for then there is nothing to be asked."""
        ...

    async def ended(self, driver: Connection, *, committed: bool) -> None:
        """It is over, and the role is that which logged in. It does not come where the connection was lost or had to be closed."""
        ...


witness: ContextVar[Witness | None] = ContextVar("pellucid_witness", default=None)
"""The one of this context."""
