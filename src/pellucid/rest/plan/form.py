"""Which form an answer has: the media type that is agreed on, and how its body is made of rows."""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from pellucid.database.catalog.model import Catalog, Function, Handler, TableName
from pellucid.errors import NotAcceptable
from pellucid.rest.grammar import media
from pellucid.rest.grammar.media import Accepted, PlanForm
from pellucid.rest.grammar.select import Everything
from pellucid.rest.plan.model import Call, Plan, Reading
from pellucid.rest.request import RestRequest


class Shape(Enum):
    """How the body is made of the rows."""

    NOTHING = "nothing"
    """There is none."""
    JSON = "json"
    """A list of the rows; for a function that answers one row or one value, just that."""
    OBJECT = "object"
    """The first row alone."""
    CSV = "csv"
    GEOJSON = "geojson"
    RAW = "raw"
    """The one value of a function whose domain says what media type it is."""
    CUSTOM = "custom"
    """What an aggregate of the database makes of the rows."""


class Form(Struct, frozen=True):
    """How the answer is written.

    ``media`` is the whole content type. ``stripped`` leaves out keys whose value is null. ``singular`` tells that the client asked for
    exactly one row, so that another number of them is an error. ``single`` and ``scalar`` tell of a function that it answers one row at
    most, and values instead of rows; a value is in the column `SCALAR`. ``handler`` makes a custom media type. ``escaped`` keeps
    spreadsheets from taking text for formulas. ``plan`` asks for the plan of the statement instead of its rows.
    """

    shape: Shape = Shape.JSON
    media: str = "application/json; charset=utf-8"
    stripped: bool = False
    singular: bool = False
    single: bool = False
    scalar: bool = False
    handler: Handler | None = None
    escaped: bool = False
    plan: PlanForm | None = None


SCALAR = "pgrst_scalar"
"""The column that holds the values of a function which answers no rows. Its name is PostgREST's, for it is the header of their CSV."""

JSON_FORM = Form()
"""What most answers have."""


def negotiate(asked: RestRequest, plan: Plan, catalog: Catalog, *, plans: bool) -> Form:
    """Agree on the first form that the client accepts and that there is (RFC 9110, 12.1).

    Args:
        asked: the request, with what it accepts.
        plan: what it became.
        catalog: knows the media types that the database makes.
        plans: whether plans may be shown.

    Raises:
        NotAcceptable: there is none of those that the client accepts.
    """
    offers = _Offers(asked, plan, catalog)
    for accepted in asked.accept:
        form = offers.form(accepted, plans=plans)
        if form is not None:
            return _fitted(form, asked, plan)
    raise NotAcceptable(
        f"None of these media types are available: {', '.join(map(str, asked.accept))}",
        hint="Accept application/json." if asked.profile.validates else None,
    )


def content_type(name: str) -> str:
    """The whole content type: text that PostgREST knows has a charset, anything else is as the database names it."""
    return f"{name}; charset=utf-8" if name in _TEXTS else name


_TEXTS = {media.JSON, media.GEOJSON, media.CSV, media.TEXT, media.XML, media.OPENAPI, media.FORM}


def _fitted(form: Form, asked: RestRequest, plan: Plan) -> Form:
    """The form, as far as there is something to write in it."""
    match plan:
        case Call(function):
            form = replace(form, single=not function.returns_set, scalar=function.scalar)
            silent = asked.method == "HEAD" or function.returns_void
        case Reading():
            silent = asked.method == "HEAD"
        case _:
            silent = plan.answer is None
    if silent and form.plan is None:
        return replace(form, shape=Shape.NOTHING)
    if form.shape is Shape.JSON and _one(asked):
        return replace(form, shape=Shape.OBJECT)
    return form


def _one(asked: RestRequest) -> bool:
    """Whether the answer is one object without being asked for as one: at a row's address, or as the native body was."""
    sent_one = asked.method == "POST" and asked.payload is not None and not asked.payload.listed
    return asked.key is not None or (asked.profile.validates and sent_one and not asked.call)


class _Offers:
    """What forms there are for a plan."""

    def __init__(self, asked: RestRequest, plan: Plan, catalog: Catalog) -> None:
        self.native = asked.profile.validates
        self.whole = asked.query.select == (Everything(),)
        self.handlers = catalog.handlers
        self.postgis = catalog.postgis
        self.function: Function | None = plan.function if isinstance(plan, Call) else None
        self.table: TableName | None = _table(plan)

    def form(self, accepted: Accepted, *, plans: bool) -> Form | None:
        """The form for one accepted media type, if there is one. Those of PostgREST's own cannot be overridden."""
        if accepted.plan is not None:
            inner = self.form(accepted.plan.of, plans=False) if plans else None
            return inner and replace(
                inner, media=f"{accepted}; charset=utf-8", plan=accepted.plan, singular=False, escaped=False
            )
        if accepted.media == media.SINGULAR:
            return Form(Shape.OBJECT, self._named(accepted), stripped=accepted.stripped, singular=True)
        if accepted.media == media.ARRAY:
            return Form(Shape.JSON, self._named(accepted), stripped=True)
        return self._own(accepted.media) or self._made(accepted.media, None) or self._built_in(accepted.media)

    def _named(self, accepted: Accepted) -> str:
        return Form().media if self.native else f"{accepted}; charset=utf-8"

    def _own(self, name: str) -> Form | None:
        """What is there for just this table or function. It knows all of the columns only, so that nothing may be selected."""
        if not self.whole:
            return None
        if self.function is not None and self.function.scalar:
            return self._raw(self.function, name)
        if self.table is None:
            return None
        return self._made(media.ANY, self.table) or self._made(name, self.table)

    def _raw(self, function: Function, name: str) -> Form | None:
        if function.media is None or function.returns_set:
            return None
        if function.media == media.ANY:
            return Form(Shape.RAW, media.OCTETS)
        return Form(Shape.RAW, content_type(function.media)) if function.media.lower() == name.lower() else None

    def _made(self, name: str, table: TableName | None) -> Form | None:
        """What an aggregate of the database makes, of rows of this table or of any."""
        made: Sequence[Handler] = self.handlers.get(name.lower(), ())
        handler = next((each for each in made if each.table == table), None)
        return Form(Shape.CUSTOM, content_type(handler.media), handler=handler) if handler else None

    def _built_in(self, name: str) -> Form | None:
        match name:
            case media.ANY | media.JSON:
                return JSON_FORM
            case "application/*" if self.native:
                return JSON_FORM
            case media.CSV:
                return Form(Shape.CSV, content_type(media.CSV), escaped=self.native)
            case media.GEOJSON if self.postgis or not self.native:
                return Form(Shape.GEOJSON, content_type(media.GEOJSON))
            case _:
                return None


def _table(plan: Plan) -> TableName | None:
    match plan:
        case Call(function):
            return function.returns_table
        case Reading(read):
            return read.table.name if read.table else None
        case _:
            return plan.table.name
