"""The whole story of one data request, one line a stage."""

from dataclasses import dataclass

from starlette.responses import Response

from pellucid.database.core import Database
from pellucid.observe import Stage, observe
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.develop import Grower
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.model import Reading
from pellucid.rest.plan.names import Context, check_exposed, find_table
from pellucid.rest.profile import Profile
from pellucid.rest.request import Envelope, parse_request
from pellucid.rest.result import check_rows, respond
from pellucid.rest.validate import ModelCache, check
from pellucid.web.identity import Identity


@dataclass(frozen=True, slots=True)
class DataApi:
    """What the pipeline works with.

    ``grower`` makes missing tables and columns in development; production has none, and serves no table without row level security.
    ``most_rows`` bounds every read. ``reserved`` are names that belong to other routes, so that no table has them in the native
    profile.
    """

    database: Database
    schemas: tuple[str, ...]
    grower: Grower | None
    most_rows: int | None
    models: ModelCache
    reserved: frozenset[str]


async def answer(api: DataApi, envelope: Envelope, profile: Profile, identity: Identity) -> Response:
    """Answer one data request.

    Raises:
        PellucidError: it cannot be answered; each stage has its family of errors.
    """
    with observe(Stage.PARSE):
        asked = parse_request(envelope, profile, api.schemas, api.most_rows)
    with observe(Stage.VALIDATE):
        catalog = await api.grower.catalog_for(asked) if api.grower else api.database.catalog
        table = find_table(catalog, asked.name, identity.role, profile)
        check_exposed(table, identity.role, guarded=api.grower is None)
        check(asked, table, api.models, identity.role)
    with observe(Stage.PLAN):
        context = Context(catalog, profile, identity.role, most_rows=api.most_rows, guarded=api.grower is None)
        plan = make_plan(asked, table, context)
        statement = compile_plan(plan)
    async with api.database.transaction(identity.caller, read_only=isinstance(plan, Reading)) as transaction:
        records = await transaction.fetch(statement.sql, *statement.parameters)
        check_rows(asked, records)
    with observe(Stage.RESPOND):
        return respond(asked, plan, records)
