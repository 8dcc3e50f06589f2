"""How many rows there are in all, where the planner's guess is good enough (``Prefer: count=planned``, ``count=estimated``)."""

import json

from msgspec.structs import replace

from pellucid.database.transaction import Transaction
from pellucid.rest.compile.counting import guess
from pellucid.rest.grammar.preferences import Count
from pellucid.rest.outcome import Outcome
from pellucid.rest.plan.model import Plan, Reading


async def counted(outcome: Outcome, plan: Plan, transaction: Transaction) -> Outcome:
    """The outcome of a read with the number of all rows, guessed where that was asked for.

    An estimate is exact as long as there are no more rows than one answer may have; beyond them it is the planner's guess.
    """
    if not isinstance(plan, Reading) or plan.count not in (Count.PLANNED, Count.ESTIMATED):
        return outcome
    if plan.enough is not None and outcome.total is not None and outcome.total <= plan.enough:
        return outcome
    statement = guess(plan.read)
    (record,) = await transaction.fetch(statement.sql, *statement.parameters)
    rows = int(json.loads(record[0])[0]["Plan"]["Plan Rows"])
    return replace(outcome, total=max(rows, outcome.total or 0))
