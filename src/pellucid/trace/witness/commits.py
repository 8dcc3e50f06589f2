"""What a transaction left behind: where the write-ahead log stood, its records, and where its rows lie now."""

from collections.abc import Mapping, Sequence

from pellucid.database.capabilities import Feature
from pellucid.trace.document import Commit, Place
from pellucid.trace.witness.log import WINDOW, Log, Written, read_log
from pellucid.trace.witness.lookout import Lookout
from pellucid.trace.witness.notebook import RIGHTS, Notebook
from pellucid.trace.witness.pages import look_at, places_of
from pellucid.trace.witness.sampling import merged

_POSITION = "select pg_current_wal_insert_lsn()::text as written, pg_current_wal_flush_lsn()::text as flushed"
_DISTANCE = "select ($2::text::pg_lsn - $1::text::pg_lsn)::int8 as bytes"
_READ = "grant execute on function {schema}.pg_get_wal_records_info to {role};"


async def position_of(notebook: Notebook) -> tuple[str, str] | None:
    """How far the log is written, and how much of it is on the disk; None where that cannot be seen, which is told."""
    rows = await notebook.try_to("the position in the write-ahead log", RIGHTS, notebook.lookout.ask(_POSITION))
    return (rows[0]["written"], rows[0]["flushed"]) if rows else None


async def commit_of(notebook: Notebook, before: str, xid: str, waits: Mapping[str, float]) -> Commit:
    """What a transaction that has committed wrote. What cannot be seen is told.

    Args:
        notebook: of the request.
        before: a position in the log before its first record.
        xid: its number.
        waits: for what it waited meanwhile.
    """
    after, flushed = await position_of(notebook) or (before, None)
    log = await _log(notebook, before, flushed or after, xid)
    return Commit(
        before, after, flushed, xid, log.size, log.records, await _places(notebook, log.written), merged(waits)
    )


async def _log(notebook: Notebook, before: str, after: str, xid: str) -> Log:
    what, lookout = "records of the write-ahead log", notebook.lookout
    if lacking := lookout.lacks(what, Feature.WAL_INSPECTION, "pg_walinspect"):
        notebook.miss(lacking)
        return Log()
    look = _read_log(lookout, before, after, xid)
    schema = lookout.seen.extensions.get("pg_walinspect", "pellucid")
    return await notebook.try_to(what, _READ.format(schema=schema, role=lookout.seen.role), look) or Log()


async def _read_log(lookout: Lookout, before: str, after: str, xid: str) -> Log:
    between = (await lookout.ask(_DISTANCE, before, after))[0]["bytes"]
    if between > WINDOW:
        raise OSError(f"others wrote {between >> 20} MiB meanwhile, and {WINDOW >> 20} MiB are searched at most")
    return await read_log(lookout, xid, before, after)


async def _places(notebook: Notebook, written: Sequence[Written]) -> tuple[Place, ...]:
    wanted, lookout = places_of(written), notebook.lookout
    if wanted and (lacking := lookout.lacks("pages", Feature.PAGES, "pageinspect")):
        notebook.miss(lacking)
        return tuple(Place(each.relation.name, each.relation.file, each.page, line, 0, 0) for each, line in wanted)
    mapped = lookout.lacks("the free space map", Feature.FREE_SPACE, "pg_freespacemap")
    if wanted and mapped:
        notebook.miss(mapped)
    found = [
        await notebook.try_to("pages", RIGHTS, look_at(lookout, each, line, mapped=mapped is None))
        for each, line in wanted
    ]
    return tuple(place for place in found if place is not None)
