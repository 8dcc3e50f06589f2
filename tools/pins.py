"""Renew constraints.txt: the newest versions that pyproject.toml allows, for every dependency, direct or not."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# The versions that make installs: every dependency of Pellucid and of its tests, direct or not. `make pins` renews them.
"""


def main() -> None:
    """Ask pip what it would install into an empty environment, and write that down."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    requirements = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--dry-run",
        "--ignore-installed",
        "--report",
        "-",
        *requirements,
    ]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    pins = sorted(
        f"{pin['name'].lower().replace('_', '-')}=={pin['version']}"
        for pin in (item["metadata"] for item in report["install"])
    )
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(pins) + "\n")


if __name__ == "__main__":
    main()
