"""The whole story of one data request, one line a stage."""

from msgspec import Struct, field
from starlette.responses import Response

from pellucid.database.core import Database
from pellucid.observe import Stage, observe
from pellucid.rest.aside import aside
from pellucid.rest.beginning import beginning, ending
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.develop import Grower
from pellucid.rest.execute import execute
from pellucid.rest.openapi.kept import Documents
from pellucid.rest.options import DataOptions
from pellucid.rest.outcome import check_preferences
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.form import negotiate
from pellucid.rest.profile import Profile
from pellucid.rest.request import Envelope
from pellucid.rest.result import respond
from pellucid.rest.share import Share
from pellucid.rest.target import context_of, find_target, parsed
from pellucid.rest.validate import ModelCache, check
from pellucid.web.identity import Identity


class DataApi(Struct, frozen=True):
    """What the pipeline works with.

    ``grower`` makes missing tables and columns in development; production has none, and serves no table without row level security.
    ``reserved`` are names that belong to other routes, so that no table has them in the native profile. ``descriptions`` keeps what the
    root of the PostgREST profile answers. ``share`` lets requests travel together; without it each has a transaction of its own.
    """

    database: Database
    options: DataOptions
    grower: Grower | None
    models: ModelCache
    reserved: frozenset[str]
    descriptions: Documents = field(default_factory=Documents)
    share: Share | None = None


async def answer(api: DataApi, envelope: Envelope, profile: Profile, identity: Identity) -> Response:
    """Answer one data request.

    Raises:
        PellucidError: it cannot be answered; each stage has its family of errors.
    """
    size = len(envelope.body)
    with observe(Stage.PARSE):
        asked = await aside(size, parsed, envelope, profile, api.options)
    with observe(Stage.VALIDATE):
        catalog = await api.grower.catalog_for(asked) if api.grower else api.database.catalog
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
    outcome = await execute(statement, begins, asked, plan, form, database=api.database, share=api.share)
    with observe(Stage.RESPOND, rows=outcome.rows):
        return respond(asked, plan, form, outcome, ending(asked.preferences, api.options))
