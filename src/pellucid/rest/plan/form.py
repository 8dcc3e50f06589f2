"""Which form an answer has: the media type that was agreed on, and how its body is made of rows."""

from dataclasses import dataclass
from enum import Enum

from pellucid.database.catalog.model import Handler


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


@dataclass(frozen=True, slots=True)
class PlanForm:
    """The plan of the statement instead of its rows: its format, and the options of EXPLAIN, in PostgreSQL's words."""

    json: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """How the answer is written.

    ``media`` is the whole content type. ``stripped`` leaves out keys whose value is null. ``singular`` tells that the client asked for
    exactly one row, so that another number of them is an error. ``single`` and ``scalar`` tell of a function that it answers one row at
    most, and values instead of rows; a value is in the column ``pgrst_scalar``. ``handler`` makes a custom media type. ``escaped`` keeps
    spreadsheets from taking text for formulas. ``plan`` asks for the plan instead.
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

    @property
    def answers(self) -> bool:
        """Whether rows come back at all."""
        return self.shape is not Shape.NOTHING


SCALAR = "pgrst_scalar"
"""The column that holds the values of a function which answers no rows; it is the header of their CSV."""

JSON_FORM = Form()
"""What most answers have."""
