"""The parts below the waterfall: statements with their plans, what the log and the page say, what could not be seen, the verdict."""

import textwrap
from collections.abc import Iterator

from pellucid.trace.bands import REPEATED
from pellucid.trace.document import Commit, Finding, Lock, Missing, Place, Statement, Trace
from pellucid.trace.journey import Journey
from pellucid.trace.page import EMPTY, Line, Piece, cut, duration, line, number, percent, plural, sentences, size
from pellucid.trace.plans import Node, tree_of
from pellucid.trace.plantree import Drawn, triggers, walk

_BRANCH, _LAST, _GOES_ON, _OVER = "├─ ", "└─ ", "│  ", "   "
_FIGURES = 44
_MOST_RECORDS = 40


def statements(trace: Trace, columns: int, *, drawn: bool) -> Iterator[Line]:
    """Each statement: what was asked, what it took, how PostgreSQL went about it."""
    for title, each, words in titled(trace):
        yield EMPTY
        yield line(Piece(title, "bold magenta"), Piece(f"  {', '.join(words)}", "dim"))
        yield from _statement(each, columns, "  ", drawn=drawn)


def titled(trace: Trace) -> Iterator[tuple[str, Statement, tuple[str, ...]]]:
    """The statements with their titles and what they took; of one that ran again and again, the slowest time stands for all."""
    for index, each in enumerate(trace.statements, 1):
        title = f"Statement {index} of {len(trace.statements)}" if len(trace.statements) > 1 else "Statement"
        alike = [other for other in trace.statements if other.sql == each.sql]
        if len(alike) < REPEATED:
            yield title, each, tuple(measures(each))
        elif each is alike[0]:
            slowest = max(alike, key=lambda other: other.seconds)
            whole = duration(sum(other.seconds for other in alike))
            yield title, slowest, (f"{len(alike)} times, {whole} in all; the slowest", *measures(slowest))


def measures(statement: Statement) -> Iterator[str]:
    """What a statement took and gave, in words."""
    if statement.failed:
        yield f"failed: {statement.failed}"
    yield duration(statement.seconds)
    if statement.planning is not None:
        yield f"planning {duration(statement.planning)}"
    if statement.execution is not None:
        yield f"execution {duration(statement.execution)}"
    if statement.rows is not None:
        yield plural(statement.rows, "row")


def _statement(statement: Statement, columns: int, indent: str, *, drawn: bool) -> Iterator[Line]:
    for text in _sql(statement.sql, columns - len(indent)):
        yield line(indent, Piece(text, "green"))
    if statement.parameters:
        shown = ", ".join(
            f"${number} = {'NULL' if each is None else each}" for number, each in enumerate(statement.parameters, 1)
        )
        yield line(indent, Piece(cut(shown, columns - len(indent)), "dim"))
    top = tree_of(statement.plan)
    if top is not None:
        yield from plan_lines(top, columns, indent, drawn=drawn)
    yield from _around(statement, indent)
    for nested in statement.nested:
        yield line(indent, Piece("inside of it  ", "bold"), Piece(", ".join(measures(nested)), "dim"))
        yield from _statement(nested, columns, f"{indent}  ", drawn=drawn)


def _around(statement: Statement, indent: str) -> Iterator[Line]:
    for trigger in triggers(statement.plan):
        yield line(indent, Piece("trigger ", "bold"), trigger)
    for policy in statement.policies:
        yield line(indent, Piece("policy  ", "bold"), policy)
    for lock in statement.locks:
        yield line(
            indent,
            Piece("lock    ", "bold"),
            Piece(lock_told(lock), "" if lock.granted and not lock.waited else "bold red"),
        )


def lock_told(lock: Lock) -> str:
    """A lock in words."""
    where = f" on {lock.relation}" if lock.relation else ""
    waited = f", waited {duration(lock.waited)}" if lock.waited else ""
    holders = f", held by {'; '.join(lock.holders)}" if lock.holders else ""
    return f"{lock.mode} ({lock.kind}){where}, {'granted' if lock.granted else 'NOT granted'}{waited}{holders}"


def _sql(sql: str, room: int) -> Iterator[str]:
    for each in textwrap.dedent(sql).strip().splitlines():
        yield from textwrap.wrap(each, max(room, 20), subsequent_indent="  ", break_on_hyphens=False) or [""]


def plan_lines(top: Node, columns: int, indent: str, *, drawn: bool) -> Iterator[Line]:
    """A plan as a tree with a column for each figure."""
    longest = max(3 * each.level + len(each.title) + 2 for each in walk(top))
    room = max(min(columns - len(indent) - _FIGURES - 8, longest), 24)
    head = f"{'time':>10}{'rows':>9}{'expected':>10}{'cached':>8}{'read':>7}"
    yield line(indent, Piece("plan".ljust(room) + head, "dim"))
    slowest = max((each.node.own or 0.0 for each in walk(top)), default=0.0)
    for each in walk(top):
        yield _node_line(each, room, indent, slowest, drawn=drawn)
        for note in each.notes:
            yield line(indent, Piece(f"{_stem(each, drawn=drawn)}    {cut(note, columns - len(indent) - 12)}", "dim"))


def _node_line(each: Drawn, room: int, indent: str, slowest: float, *, drawn: bool) -> Line:
    node = each.node
    title = cut(f"{_branch(each, drawn=drawn)}{each.title}", room - 1).ljust(room)
    leads = slowest > 0 and node.own == slowest
    time = "" if node.seconds is None else duration(node.seconds)
    rows = "" if node.rows is None else number(node.rows)
    read = "" if each.read is None else f"{each.read:,}"
    return line(
        indent,
        Piece(title, "bold" if leads else ""),
        Piece(f"{time:>10}", "bold" if leads else ""),
        Piece(f"{rows:>9}{number(node.estimated):>10}", "bold red" if node.misjudged else ""),
        f"{'' if each.hit is None else f'{each.hit:,}':>8}{read:>7}",
        Piece(f" {duration(each.io)}" if each.io else "", "dim"),
    )


def _branch(each: Drawn, *, drawn: bool) -> str:
    if not each.level:
        return ""
    if not drawn:
        return "   " * each.level
    return "".join(_GOES_ON if more else _OVER for more in each.above) + (_LAST if each.last else _BRANCH)


def _stem(each: Drawn, *, drawn: bool) -> str:
    """What stands in front of a note, below its node."""
    if not drawn:
        return "   " * each.level
    own = (_OVER if each.last else _GOES_ON) if each.level else ""
    return "".join(_GOES_ON if more else _OVER for more in each.above) + own


def commits(trace: Trace, columns: int) -> Iterator[Line]:
    """Each commit: how far the log went, its records, and where the rows lie now."""
    for commit in trace.commits:
        yield EMPTY
        yield line(Piece("Commit", "bold magenta"), Piece(f"  {_commit_told(commit)}", "dim"))
        for record in commit.records[:_MOST_RECORDS]:
            words = f"{record.manager} {record.kind}".ljust(22)
            yield line(
                f"  {record.lsn:<12}",
                Piece(words, "bold"),
                f"{size(record.length):>8}  ",
                Piece(cut(record.description, columns - 48), "dim"),
            )
        if len(commit.records) > _MOST_RECORDS:
            yield line(Piece(f"  and {len(commit.records) - _MOST_RECORDS} more", "dim"))
        for place in commit.places:
            yield from _place(place, columns)


def _commit_told(commit: Commit) -> str:
    wrote = f", {size(commit.size)} in {plural(len(commit.records), 'record')}" if commit.records else ""
    log = f"log from {commit.before} to {commit.after}{wrote}"
    transaction = f", transaction {commit.xid}" if commit.xid else ""
    return log + transaction + (f", on the disk up to {commit.flushed}" if commit.flushed else "")


def _place(place: Place, columns: int) -> Iterator[Line]:
    yield line(
        Piece(f"  {place.table}", "bold"),
        f" in {place.file}, page {place.page}, line pointer {place.line}: {plural(place.rows, 'row')} on it, {size(place.free)} free",
    )
    room = min(64, columns - 4)
    for start in range(0, len(place.picture), room):
        yield line("  ", *_cells(place.picture[start : start + room]))
    if place.picture:
        yield line(Piece("  h header, l line pointers, . free, r rows, * this row", "dim"))


_CELLS = {"h": "bright_blue", "l": "cyan", ".": "dim", "r": "magenta", "*": "bold green"}


def _cells(picture: str) -> Iterator[Piece]:
    for each in picture:
        yield Piece(each, _CELLS.get(each, ""))


def missing(trace: Trace) -> Iterator[Line]:
    """What could not be seen, and why."""
    if not trace.missing:
        return
    yield EMPTY
    yield line(Piece("Not seen", "bold"))
    yield from (_missing(each) for each in trace.missing)


def _missing(each: Missing) -> Line:
    return line(f"  {each.what}: {each.why}", Piece(f" → {each.remedy}" if each.remedy else "", "green"))


def verdict(journey: Journey, columns: int) -> Iterator[Line]:
    """What took the time, because of what, and what to do."""
    yield line(Piece("Verdict", "bold"))
    if journey.last.failure:
        yield line("  ", Piece("There is no answer: ", "bold red"), journey.last.failure)
        if journey.last.hint:
            yield line("  → ", Piece(journey.last.hint, "green"))
    elif not journey.findings:
        yield line(f"  {unremarkable(journey)}")
    for finding in journey.findings:
        yield from _finding(finding, columns)


def unremarkable(journey: Journey) -> str:
    """What to say where nothing is to be done."""
    rows = [row for hop in journey.hops for row in (*hop.rows, *(hop.server.rows if hop.server else ()))]
    if not rows:
        return "Nothing was measured."
    inner = [row for hop in journey.hops if hop.server for row in hop.server.rows] or rows
    longest = max(inner, key=lambda row: row.seconds)
    return (
        f"Nothing stands out: of {duration(journey.seconds)} the most was {longest.stage}, {duration(longest.seconds)}."
    )


def _finding(finding: Finding, columns: int) -> Iterator[Line]:
    share = percent(finding.share) if finding.share >= 0.005 else ""
    room = max(columns - 9, 30)
    for index, each in enumerate(textwrap.wrap(sentences(finding.what, finding.because), room)):
        yield line(Piece(f"  {share if not index else '':>5}  ", "bold yellow"), each)
    for index, each in enumerate(textwrap.wrap(sentences(finding.do, finding.gain), room - 2)):
        yield line("         " if index else "       → ", Piece(each, "green"))
