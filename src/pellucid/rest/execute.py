"""A statement to its outcome: in company where it is small enough and nobody looks on, else in a transaction of its own."""

from contextlib import AbstractAsyncContextManager

from msgspec.structs import replace

from pellucid.database.change import Change
from pellucid.database.core import Database
from pellucid.database.opening import Beginning
from pellucid.database.transaction import Transaction
from pellucid.database.witness import witness
from pellucid.errors import Duplicate
from pellucid.observe import deep
from pellucid.rest.compile.writer import Statement
from pellucid.rest.counting import counted
from pellucid.rest.develop import changing
from pellucid.rest.numbering import explained
from pellucid.rest.outcome import Outcome, judge
from pellucid.rest.plan.form import Form
from pellucid.rest.plan.model import Plan
from pellucid.rest.plan.small import is_quiet, is_small, runs_own_code
from pellucid.rest.request import RestRequest
from pellucid.rest.share import Share
from pellucid.rest.telling import tell


async def execute(
    statement: Statement,
    beginning: Beginning,
    asked: RestRequest,
    plan: Plan,
    form: Form,
    *,
    database: Database,
    share: Share | None,
    change: Change | None = None,
) -> Outcome:
    """Run the statement, and judge what came of it. What is judged to be an error has changed nothing.

    With a ``change`` of the schema, that is made first, in the same transaction; and in one of its own where functions of somebody else
    run in the write, for these must not run on a connection of the role that owns the schema.

    Raises:
        Overtaken: somebody else made the same change at the same moment.
        PellucidError: the database refused, cannot be reached, or answered something else than the client insists on.
    """
    company = share if change is None else None
    if deep():
        tell(asked, plan, form, statement, small=company is not None and is_small(asked, plan, form))
    if company is not None and witness.get() is None and is_small(asked, plan, form):
        record = await company.record(beginning, statement, quiet=is_quiet(plan))
        if record is not None:
            return judge(asked, plan, form, [record])
    if change is not None and form.plan is not None:
        beginning = replace(beginning, commits=False)  # who asks for a plan wants no table
    try:
        async with _begun(database, beginning, plan, change) as transaction:
            records = await transaction.fetch(statement.sql, *statement.parameters)
            return await counted(judge(asked, plan, form, records), plan, transaction)
    except Duplicate as fault:
        raise explained(fault, plan) from fault.__cause__


def _begun(
    database: Database, beginning: Beginning, plan: Plan, change: Change | None
) -> AbstractAsyncContextManager[Transaction]:
    if change is None:
        return database.begin(beginning)
    return changing(database, beginning, change, within=beginning.first is None and runs_own_code(plan))
