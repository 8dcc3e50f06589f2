"""What the data API works with."""

from msgspec import Struct, field

from pellucid.database.core import Database
from pellucid.rest.develop import Grower
from pellucid.rest.openapi.kept import Documents
from pellucid.rest.options import DataOptions
from pellucid.rest.share import Share
from pellucid.rest.validate import ModelCache


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
