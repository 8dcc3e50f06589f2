"""The whole story of one data request, one line a stage."""

from functools import partial

from starlette.responses import Response

from pellucid.observe import Stage, observe
from pellucid.rest.api import DataApi
from pellucid.rest.aside import aside
from pellucid.rest.beginning import beginning, ending
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.develop import Ground
from pellucid.rest.execute import execute
from pellucid.rest.outcome import check_preferences
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.form import negotiate
from pellucid.rest.profile import Profile
from pellucid.rest.request import Envelope, RestRequest
from pellucid.rest.result import respond
from pellucid.rest.target import context_of, find_target, parsed
from pellucid.rest.validate import check
from pellucid.web.identity import Identity

__all__ = ["DataApi", "answer"]


async def answer(api: DataApi, envelope: Envelope, profile: Profile, identity: Identity) -> Response:
    """Answer one data request.

    Raises:
        PellucidError: it cannot be answered; each stage has its family of errors.
    """
    with observe(Stage.PARSE):
        asked = await aside(len(envelope.body), parsed, envelope, profile, api.options)
    work = partial(_answered, api, envelope, asked, identity)
    return await (api.grower.serve(asked, work) if api.grower else work(Ground(api.database.catalog)))


async def _answered(
    api: DataApi, envelope: Envelope, asked: RestRequest, identity: Identity, ground: Ground
) -> Response:
    """Answer a request on the ground that it stands on."""
    size, profile, catalog = len(envelope.body), asked.profile, ground.catalog
    with observe(Stage.VALIDATE):
        anonymous = identity.role == api.database.options.anon_role
        context = context_of(catalog, profile, identity, api.options, guarded=api.grower is None, anonymous=anonymous)
        target = find_target(asked, context)
        await aside(size, check, asked, target, api.models, identity.role)
    with observe(Stage.PLAN):
        plan = await aside(size, make_plan, asked, target, context)
        form = negotiate(asked, plan, catalog, plans=api.options.plan)
        check_preferences(asked, plan)
        statement = compile_plan(plan, form)
        begins = beginning(envelope, asked, plan, identity, api.options)
    made = ground.change
    outcome = await execute(statement, begins, asked, plan, form, database=api.database, share=api.share, change=made)
    with observe(Stage.RESPOND, rows=outcome.rows):
        return respond(asked, plan, form, outcome, ending(asked.preferences, api.options))
