"""What the stages of a data request tell of themselves to whoever looks: names and numbers, and no value of the request."""

from pellucid.observe import Fact, Stage, remark
from pellucid.rest.compile.writer import Statement
from pellucid.rest.plan.form import Form
from pellucid.rest.plan.model import Call, Plan, Reading
from pellucid.rest.request import RestRequest


def tell(asked: RestRequest, plan: Plan, form: Form, statement: Statement, *, small: bool) -> None:
    """Tell what was understood, what it was judged by, and what is going to be done.

    Args:
        asked: what was understood.
        plan: what is going to be done.
        form: how the answer looks.
        statement: the plan as SQL.
        small: whether it may travel with others.
    """
    remark(Stage.PARSE, **_of_request(asked))
    kind = "function" if isinstance(plan, Call) else "table"
    remark(Stage.VALIDATE, **{kind: f"{asked.name.schema}.{asked.name.name}"})
    read = plan.read if isinstance(plan, Reading | Call) else plan.answer
    remark(
        Stage.PLAN,
        operation=type(plan).__name__.lower(),
        form=form.shape.value,
        embedded=len(read.embeds) if read is not None else 0,
        parameters=len(statement.parameters),
        small=small,
    )


def _of_request(asked: RestRequest) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"name": asked.name.name, "profile": asked.profile.name}
    if asked.key is not None:
        facts["key"] = len(asked.key)
    if asked.payload is not None:
        facts["rows_sent"] = len(asked.payload.rows)
    return facts
