"""What records of the write-ahead log say, in words, and the rows that they put down."""

import re
from collections.abc import Mapping

_OFFSET, _NEW_OFFSET = re.compile(r"\boff:? (\d+)"), re.compile(r"\bnew[_ ]off:? (\d+)")
_OFFSETS, _TUPLES = re.compile(r"offsets: \[([\d, ]*)\]"), re.compile(r"ntuples: (\d+)|(\d+) tuples")


def lines_of(manager: str, kind: str, description: str) -> tuple[int, ...]:
    """The line pointers of the rows that a record of the heap put down."""
    what = kind.removesuffix("+INIT")
    if manager == "Heap" and what == "INSERT":
        return tuple(int(each) for each in _OFFSET.findall(description)[:1])
    if manager == "Heap" and what in ("UPDATE", "HOT_UPDATE"):
        return tuple(int(each) for each in _NEW_OFFSET.findall(description)[:1])
    if manager == "Heap2" and what == "MULTI_INSERT":
        return _several(kind, description)
    return ()


def _several(kind: str, description: str) -> tuple[int, ...]:
    if listed := _OFFSETS.search(description):
        return tuple(int(each) for each in listed[1].split(",") if each.strip())
    counted = _TUPLES.search(description)
    return tuple(range(1, int(counted[1] or counted[2]) + 1)) if counted and kind.endswith("+INIT") else ()


_WORDS: Mapping[tuple[str, str], str] = {
    ("Heap", "INSERT"): "a row put into {name}, page {page}, line {new}",
    ("Heap", "UPDATE"): "a row of {name} written anew on page {page}, line {new}",
    (
        "Heap",
        "HOT_UPDATE",
    ): "a row of {name} written anew on its own page {page}, line {new}: no index had to change (HOT)",
    ("Heap", "DELETE"): "a row of {name} marked as deleted, page {page}, line {old}",
    ("Heap", "LOCK"): "a row of {name} locked, page {page}, line {old}",
    ("Heap", "HEAP_CONFIRM"): "a row of {name} settled that was put in under ON CONFLICT, page {page}, line {old}",
    ("Heap", "INPLACE"): "a row of {name} changed in place, page {page}",
    ("Heap2", "MULTI_INSERT"): "rows put into {name}, page {page}",
    ("Heap2", "LOCK_UPDATED"): "a newer version of a row of {name} locked, page {page}",
    ("Heap2", "VISIBLE"): "a page of {name} marked as visible to all",
    ("Btree", "INSERT_LEAF"): "an entry put into the index {name}, page {page}",
    ("Btree", "INSERT_UPPER"): "an entry put into an inner page of the index {name}, page {page}",
    ("Btree", "INSERT_POST"): "an entry put into a list of the index {name}, page {page}",
    ("Btree", "NEWROOT"): "a new topmost page for the index {name}",
    ("Btree", "DEDUP"): "equal entries of the index {name} packed together, page {page}",
    ("Btree", "DELETE"): "dead entries taken out of the index {name}, page {page}",
    ("Transaction", "COMMIT"): "the transaction committed",
    ("Transaction", "ABORT"): "the transaction rolled back",
    ("Transaction", "INVALIDATION"): "others told that the schema changed",
    ("Transaction", "ASSIGNMENT"): "numbers given to parts of the transaction",
    ("Sequence", "LOG"): "the sequence {name} moved on; 32 numbers ahead are logged at once",
    ("XLOG", "FPI"): "the whole page {page} of {name}",
    ("XLOG", "FPI_FOR_HINT"): "the whole page {page} of {name}, for marks that others left on it",
    ("Storage", "CREATE"): "a file made",
    ("Standby", "LOCK"): "an exclusive lock, told to replicas",
    ("LogicalMessage", "MESSAGE"): "a message for logical replication",
}


def in_words(manager: str, kind: str, description: str, *, page: int | None, relation: str | None) -> str:
    """What a record is, in words.

    Args:
        manager: PostgreSQL's resource manager.
        kind: of the record.
        description: as pg_walinspect has it.
        page: on which the record is, if it is on one.
        relation: the table or index, if it is still there.
    """
    what = kind.removesuffix("+INIT")
    words = _WORDS.get((manager, what)) or _family(manager, what) or f"{manager} {what.lower().replace('_', ' ')}"
    old, new = (
        _OFFSET.findall(description) or re.findall(r"old_off: (\d+)", description),
        lines_of(manager, kind, description),
    )
    meaning = words.format(
        name=relation or "a relation that is gone",
        page="?" if page is None else page,
        old=old[0] if old else "?",
        new=", ".join(str(line) for line in new) or "?",
    )
    return f"{meaning}, on a fresh page" if kind.endswith("+INIT") else meaning


def _family(manager: str, kind: str) -> str | None:
    """Words for kinds of which there are several."""
    if manager == "Heap2" and kind.startswith("PRUNE"):
        return "dead rows of {name} swept from page {page}"
    if manager == "Btree" and kind.startswith("SPLIT"):
        return "a full page of the index {name} split in two, page {page}"
    return None
