"""Those who are measured, by name. `Competitor` says what each can do."""

from benchmarks.competitors.base import Competitor, Place
from benchmarks.competitors.constant import Constant
from benchmarks.competitors.orm import Orm
from benchmarks.competitors.pellucid import Pellucid, PellucidRest
from benchmarks.competitors.pgbench import Bare, Pgbench
from benchmarks.competitors.pocketbase import PocketBase
from benchmarks.competitors.postgrest import PostgRest

COMPETITORS: dict[str, type[Competitor]] = {
    each.name: each for each in (Pellucid, PellucidRest, Orm, PocketBase, PostgRest, Constant, Pgbench, Bare)
}
USUAL = tuple(name for name in COMPETITORS if name not in {PellucidRest.name, Bare.name})
"""Those who are measured unless others are named."""

__all__ = ["COMPETITORS", "USUAL", "Competitor", "Place"]
