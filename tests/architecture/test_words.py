"""What must not stand in any file: addresses of package registries, paths of one machine, pages that need a network, loose ends."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).relative_to(ROOT)

REGISTRIES = r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org|(extra-)?index-url|find-links|trusted-host"
MACHINES = r"(?<![\w.~$}])/(root|work|home/\w+|Users/\w+)/|\.pyenv/versions/\d"
NETWORKS = r"cdn\.jsdelivr|unpkg\.com|cdnjs\.|fonts\.googleapis|fonts\.gstatic|cdn\.redoc"
LOOSE_ENDS = r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplemented(?:Error)?\b|\blorem ipsum\b"
OTHER_PAPERS = r"(?i)\b(design|threats|style)\.md\b|\bissue #?\d|#\d+\)|\bas an ai\b|\bsubagent\b"


def files() -> list[Path]:
    """The text files of the project: those git knows, or all of them where this is no checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = (
        listed.stdout.split("\0")
        if listed.returncode == 0
        else [str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("*.*")]
    )
    return [Path(name) for name in names if name and name != str(HERE) and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINES, NETWORKS, LOOSE_ENDS, OTHER_PAPERS])
def test_no_file_holds(pattern: str) -> None:
    forbidden = re.compile(pattern)
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in files()
        for number, line in enumerate(text(path).splitlines(), 1)
        if forbidden.search(line)
    ]
    assert not found, "\n".join(found)


def text(path: Path) -> str:
    try:
        return (ROOT / path).read_text()
    except UnicodeDecodeError:
        return ""


def test_every_pin_is_an_exact_version_and_nothing_else() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line) for line in lines)
    assert lines == sorted(lines)
