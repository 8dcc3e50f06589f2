"""The house keeps its shape: small files, small functions, imports at the top, and no import cycle anywhere."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import pellucid

PACKAGE = Path(pellucid.__file__).parent
ROOT = Path(__file__).parents[2]
MOST_LINES_IN_A_FILE = 400
LISTS = {"errors.py"}
"""Files that may be longer: one entry after the other, and nothing to divide them by."""
MOST_LINES_IN_A_FUNCTION = 60
MOST_LINES_IN_THE_PIPELINE = 70

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE), ast.parse(path.read_text())


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def test_imports_stand_at_the_top_of_their_file() -> None:
    found = [
        f"{path}:{node.lineno} in {function.name}"
        for path, tree in modules()
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not is_optional(function, node)
    ]
    assert not found, f"only optional parts may be imported inside a function, in try … except ImportError: {found}"


def is_optional(function: Function, wanted: ast.stmt) -> bool:
    """Whether the import stands in a try that expects an ImportError."""
    return any(
        wanted in attempt.body and any("ImportError" in ast.dump(handler) for handler in attempt.handlers)
        for attempt in ast.walk(function)
        if isinstance(attempt, ast.Try)
    )


def test_files_stay_small() -> None:
    files = [path for room in (PACKAGE, ROOT / "tests") for path in room.rglob("*.py") if path.name not in LISTS]
    large = {str(path): lines for path in files if (lines := len(path.read_text().splitlines())) > MOST_LINES_IN_A_FILE}
    assert not large, f"files above {MOST_LINES_IN_A_FILE} lines want to be two: {large}"


def test_functions_stay_small() -> None:
    large = {
        f"{path}:{function.name}": length
        for path, tree in modules()
        for function in functions(tree)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MOST_LINES_IN_A_FUNCTION
    }
    assert not large, f"functions above {MOST_LINES_IN_A_FUNCTION} lines tell more than one thing: {large}"


def test_the_data_pipeline_is_one_short_story() -> None:
    lines = (PACKAGE / "rest" / "pipeline.py").read_text().splitlines()
    assert len(lines) < MOST_LINES_IN_THE_PIPELINE


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("pellucid", cache_dir=None)


def test_no_module_imports_itself_through_others(graph: grimp.ImportGraph) -> None:
    sort({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})


def test_no_two_rooms_import_each_other(graph: grimp.ImportGraph) -> None:
    for package in sorted(graph.modules):
        rooms = graph.find_children(package)
        sort({room: imported_rooms(graph, room, rooms) for room in rooms})


def imported_rooms(graph: grimp.ImportGraph, room: str, rooms: set[str]) -> set[str]:
    """The other rooms beside this one that something in it imports."""
    inside = {room, *graph.find_descendants(room)}
    imported = {name for module in inside for name in graph.find_modules_directly_imported_by(module)}
    return {other for other in rooms - {room} if imported & {other, *graph.find_descendants(other)}}


def sort(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        pytest.fail(f"an import cycle: {' -> '.join(fault.args[1])}")


def test_the_public_names_are_these() -> None:
    assert set(pellucid.__all__) == {"Identity", "Pellucid", "ReadSession", "WriteSession", "__version__"}
    assert all(hasattr(pellucid, name) for name in pellucid.__all__)
