"""Those who are measured, by name. `Competitor` says what each can do."""

from benchmarks.competitors.base import Competitor, Place
from benchmarks.competitors.constant import Constant
from benchmarks.competitors.orm import Orm
from benchmarks.competitors.pellucid import Pellucid, PellucidBefore, PellucidRest, PellucidTraced
from benchmarks.competitors.pgbench import Bare, Pgbench
from benchmarks.competitors.pocketbase import PocketBase
from benchmarks.competitors.postgrest import PostgRest

COMPETITORS: dict[str, type[Competitor]] = {
    each.name: each
    for each in (
        Pellucid,
        PellucidBefore,
        PellucidTraced,
        PellucidRest,
        Orm,
        PocketBase,
        PostgRest,
        Constant,
        Pgbench,
        Bare,
    )
}
_ON_REQUEST = {PellucidBefore.name, PellucidTraced.name, PellucidRest.name, Bare.name}
USUAL = tuple(name for name in COMPETITORS if name not in _ON_REQUEST)
"""Those who are measured unless others are named."""

__all__ = ["COMPETITORS", "USUAL", "Competitor", "Place"]
