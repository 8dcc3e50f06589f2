"""A request that has been answered before, made ready to be asked again with other values: nothing is parsed, planned or compiled anew.

It is learnt by example. The request is planned twice, as it came and with other values; the two statements may differ in nothing but their
parameters, and these only where a value stands. Whatever does not pass that test goes the usual way each time.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pellucid.database.catalog.model import Catalog
from pellucid.database.catalog.store import CatalogStore
from pellucid.database.opening import Opening
from pellucid.errors import PellucidError
from pellucid.rest.beginning import beginning, claims_of
from pellucid.rest.compile.statement import Reach, compile_plan
from pellucid.rest.compile.writer import Statement
from pellucid.rest.grammar.bodies import Payload
from pellucid.rest.outcome import check_preferences
from pellucid.rest.pipeline import DataApi
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.form import Form, negotiate
from pellucid.rest.plan.model import Insert, Plan, Reading
from pellucid.rest.plan.small import is_quiet, is_small, touches_one
from pellucid.rest.profile import Profile
from pellucid.rest.queue import Kind, Member, Record
from pellucid.rest.request import Envelope, RestRequest
from pellucid.rest.result import content_location, location
from pellucid.rest.route import CLAIMS, UNSEEN, route_of
from pellucid.rest.shape import Shape, varied
from pellucid.rest.share import Share
from pellucid.rest.target import context_of, find_target, parsed
from pellucid.rest.validate import faultless
from pellucid.web.again import Again, Then
from pellucid.web.identity import Identity

log = logging.getLogger(__name__)


class Repeat(Struct, frozen=True):
    """One request, learnt. It fills `pellucid.web.memory.Repeatable`.

    ``fixed`` are the parameters of the statement, of which those at ``places`` are values of the request (by their numbers) and those at
    ``bodies`` its body. ``least`` is the number of rows below which the answer would be another one. It was learnt with ``catalog``.
    """

    share: Share
    kind: Kind
    catalogs: CatalogStore
    catalog: Catalog
    asked: RestRequest
    plan: Plan
    fixed: tuple[str | None, ...]
    places: tuple[tuple[int, int], ...]
    bodies: tuple[int, ...]
    least: int
    address: "Address | None"
    valid: Callable[[Mapping[str, Any]], bool]
    way: "Way"

    @property
    def current(self) -> bool:
        """Whether the schema and the routes are still those that it was learnt with."""
        return self.catalogs.current is self.catalog and len(self.way.routes) == self.way.number

    def again(self, values: Sequence[str], payload: Payload | None, identity: Identity, then: Then) -> bool:
        """Ask again, and tell ``then`` what came of it; False where the usual way has to be taken, and then nothing has been done.

        Args:
            values: of the request's shape.
            payload: its body, where it has one.
            identity: who asks, in the role that it was learnt for.
            then: is told.
        """
        claims = claims_of(identity)
        parameters, size = list(self.fixed), len(claims) + SHORT
        for at, place in self.places:
            parameters[at] = values[place]
        if payload is not None:
            if not self.valid(payload.rows[0]):
                return False
            size += len(payload.raw)
            for at in self.bodies:
                parameters[at] = payload.raw
        member = Repeated(self, then, values)
        member.values, member.parameters, member.size = (claims,), parameters, size
        return self.share.enter(self.kind, member)

    def told(self, record: Record, values: Sequence[str]) -> Again | None:
        """What a record tells; None where the answer would be another one."""
        rows, body = record["rows"], record["body"]
        if rows < self.least:
            return None
        return Again(rows, b"" if body is None else body.encode(), self._lines(record, values))

    def _lines(self, record: Record, values: Sequence[str]) -> bytes:
        """Those fields of the answer's head that depend on the values."""
        if self.address is not None:
            return b"content-location: %b\r\n" % self.address.of(values).encode()
        if record["keys"] and isinstance(self.plan, Insert):
            place = location(self.asked, self.plan, tuple(json.loads(record["keys"])))
            return b"location: %b\r\n" % place.encode()
        return b""


class Repeated(Member):
    """A request asked again, waiting in a queue."""

    __slots__ = ("repeat", "then", "written")

    def __init__(self, repeat: Repeat, then: Then, written: Sequence[str]) -> None:
        """Wait. ``written`` are the values of the request; the rest is for `Repeat.again` to say."""
        super().__init__((), (), 0)
        self.repeat = repeat
        self.then = then
        self.written = written

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.then.gone

    def settle(self, record: Record | None) -> None:
        """This is the answer; None where it has to be run alone."""
        again = None if record is None else self.repeat.told(record, self.written)
        if again is None:
            self.then.unanswered()
        else:
            self.then.answered(again)

    def fail(self, fault: Exception) -> None:
        """It went wrong, and may not be tried again."""
        self.then.failed(fault)


class Way(Struct, frozen=True):
    """How a request came to the data API: by these routes, when there were so many of them."""

    routes: Sequence[object]
    number: int


SHORT = 1024
"""About how many characters the values of a query and a key have."""


class Address(Struct, frozen=True):
    """A text with values in it: ``pieces`` stand around the values of the numbers ``places``."""

    pieces: tuple[str, ...]
    places: tuple[int, ...]

    def of(self, values: Sequence[str]) -> str:
        """The text with other values."""
        filled = [
            text for piece, place in zip(self.pieces, self.places, strict=False) for text in (piece, values[place])
        ]
        return "".join([*filled, self.pieces[-1]])


class _Planned(Struct, frozen=True):
    """What became of a request."""

    asked: RestRequest
    plan: Plan
    form: Form
    statement: Statement
    opening: Opening

    @property
    def kind(self) -> tuple[object, ...]:
        """What must not depend on values."""
        opening = self.opening
        settings = [pair for pair in zip(opening.names, opening.values, strict=True) if pair[0] not in _SEEN]
        return (self.statement.sql, self.form, type(self.plan), settings, opening.read_only, opening.isolation)

    @property
    def least(self) -> int:
        """The number of rows below which the answer is another one."""
        return _least(self.asked, self.plan, self.form)


_SEEN = UNSEEN | {CLAIMS}


def learn(
    api: DataApi, envelope: Envelope, profile: Profile, identity: Identity, *, shape: Shape, way: Way
) -> Repeat | None:
    """Learn a request that has just been answered; None where it cannot be asked again in this way. The answer stands whatever happens."""
    values = shape.values
    others = [f"77{number:04}770077{number:04}" for number in range(len(values))]
    path, query = varied(envelope.path, envelope.query, tuple(others))
    try:
        one = _planned(api, envelope, profile, identity)
        other = _planned(api, replace(envelope, path=path, query=query), profile, identity)
        if one is None or other is None or one.kind != other.kind:
            return None
        return _learnt(api, one, other, identity, values=values, others=others, way=way)
    except PellucidError:
        return None
    except Exception:
        log.exception("a request could not be learnt")
        return None


def _planned(api: DataApi, envelope: Envelope, profile: Profile, identity: Identity) -> _Planned | None:
    """Take the usual way up to the database; None where the request does not travel, or is not quiet."""
    catalog, options = api.database.catalog, api.options
    anonymous = identity.role == api.database.options.anon_role
    asked = parsed(envelope, profile, options)
    context = context_of(catalog, profile, identity, options, guarded=api.grower is None, anonymous=anonymous)
    plan = make_plan(asked, find_target(asked, context), context)
    form = negotiate(asked, plan, catalog, plans=options.plan)
    check_preferences(asked, plan)
    begins = beginning(envelope, asked, plan, identity, options)
    if not is_small(asked, plan, form) or not is_quiet(plan) or begins.first is not None or not begins.commits:
        return None
    opening = api.database.opening(begins)
    if opening.isolation or any(name.startswith("response.") for name in opening.names):
        return None
    reach = Reach.ONE if _least(asked, plan, form) and touches_one(plan) else Reach.QUIET
    return _Planned(asked, plan, form, compile_plan(plan, form, reach), opening)


def _least(asked: RestRequest, plan: Plan, form: Form) -> int:
    return 1 if asked.key is not None or form.singular or not isinstance(plan, Reading) else 0


def _learnt(
    api: DataApi,
    one: _Planned,
    other: _Planned,
    identity: Identity,
    *,
    values: Sequence[str],
    others: Sequence[str],
    way: Way,
) -> Repeat | None:
    if api.share is None:
        return None
    raw = one.asked.payload.raw if one.asked.payload else None
    fixed, places, bodies = [], [], []
    for at, (mine, theirs) in enumerate(zip(one.statement.parameters, other.statement.parameters, strict=True)):
        if mine != theirs and theirs in others and mine == values[others.index(str(theirs))]:
            places.append((at, others.index(str(theirs))))
        elif mine != theirs or not isinstance(mine, str | int | None):
            return None
        elif mine is not None and mine == raw:
            bodies.append(at)
        fixed.append(None if mine is None else str(mine))
    if {place for _, place in places} != set(range(len(values))) or (raw is not None and not bodies):
        return None
    address = _address(one, other, values, others)
    if address is not None and content_location(one.asked) != {"Content-Location": address.of(values)}:
        return None
    route, _ = route_of(one.statement.sql, one.opening, quiet=True)
    context = context_of(one.opening.catalog, one.asked.profile, identity, api.options, guarded=False)
    valid = faultless(one.asked, find_target(one.asked, context), api.models, identity.role)
    return Repeat(
        api.share, api.share.kind(route, one.opening), api.database.catalogs, one.opening.catalog, one.asked, one.plan,
        tuple(fixed), tuple(places), tuple(bodies), least=one.least, address=address, valid=valid, way=way,
    )  # fmt: skip


def _address(one: _Planned, other: _Planned, values: Sequence[str], others: Sequence[str]) -> Address | None:
    """Where the same answer is, if that is told, with the values taken out."""
    told = content_location(other.asked).get("Content-Location") if isinstance(one.plan, Reading) else None
    if told is None:
        return None
    if not values:
        return Address((told,), ())
    pieces = re.split(f"({'|'.join(others)})", told)
    return Address(tuple(pieces[0::2]), tuple(others.index(text) for text in pieces[1::2]))
