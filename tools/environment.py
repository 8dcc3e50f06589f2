"""Build the environment that make runs everything in. Standard library only.

`environment.py .venv run` installs what `pellucid serve` needs, `environment.py .venv dev` what the tests and checks need too, and
`environment.py .venv bench` what Pellucid is measured against, as far as it can be had. The versions are those of constraints.txt.
An environment that fits is left alone; one that was made for other requirements, another interpreter or another place is made anew.
"""

import fcntl
import hashlib
import importlib.util
import json
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "pyproject.toml"
PINS = ROOT / "constraints.txt"
STAMP = "made-for.json"
NEEDS = {"dev": "what the tests and checks need", "bench": "what Pellucid is measured against"}
OPTIONAL = {"bench"}
"""Groups of which a part may be missing: some programs are not made for every machine."""


def main() -> None:
    """Build or complete the environment, one process at a time."""
    target, group = ROOT / sys.argv[1], sys.argv[2]
    if finished(target, group):
        return  # also while another one is being made
    with REQUIREMENTS.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build(target, group)


def finished(target: Path, group: str) -> bool:
    """Whether nothing is left to do."""
    done = read(target / STAMP)
    return done["wanted"] == wanted(target) and {"run", group} <= {*done["groups"]}


def build(target: Path, group: str) -> None:
    """Do what is left to do, and write down what has been done."""
    stamp = target / STAMP
    done = read(stamp)
    if done["wanted"] != wanted(target):
        done = {"wanted": wanted(target), "groups": []}
        say(f"Making {target.name} with Python {sys.version.split()[0]}")
        create(target)
    if "run" not in done["groups"]:
        install(target, "Pellucid and PostgreSQL", "setuptools")
        install(target, None, "--no-build-isolation", "--editable", ".")
        done["groups"].append("run")
        stamp.write_text(json.dumps(done))
    if group not in done["groups"]:
        requirements = tomllib.loads(REQUIREMENTS.read_text())["dependency-groups"][group]
        if group in OPTIONAL:
            say(f"Installing {NEEDS[group]}")
            missing = [requirement for requirement in requirements if not attempt(target, requirement)]
        else:
            missing = []
            install(target, NEEDS[group], *requirements)
        if not missing:  # or else it is tried again the next time
            done["groups"].append(group)
            stamp.write_text(json.dumps(done))


def read(stamp: Path) -> dict[str, list[str]]:
    """What an earlier run has done."""
    try:
        return json.loads(stamp.read_text())  # type: ignore[no-any-return]
    except (OSError, ValueError):
        return {"wanted": [], "groups": []}


def wanted(target: Path) -> list[str]:
    """What the environment depends on: the requirements, the versions, the place and the interpreter."""
    project = tomllib.loads(REQUIREMENTS.read_text())
    required = [project["build-system"], project["project"], project["dependency-groups"], PINS.read_text()]
    digest = hashlib.sha256(json.dumps(required, sort_keys=True).encode()).hexdigest()
    return [digest, str(target), sys.version, sys.base_prefix]


def create(target: Path) -> None:
    """Make an empty environment."""
    if importlib.util.find_spec("ensurepip") is None and importlib.util.find_spec("pip") is None:
        sys.exit(
            f"Python {sys.version.split()[0]} at {sys.executable} can make no environments: it has neither ensurepip nor pip.\n"
            "Install them (Debian, Ubuntu: apt install python3-venv), or name another Python: make serve PYTHON=/path/to/python3"
        )
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=importlib.util.find_spec("ensurepip") is not None).create(
        target
    )


def install(target: Path, what: str | None, *arguments: str) -> None:
    """Install what cannot be done without."""
    if what:
        say(f"Installing {what}")
    if pip(target, *arguments):
        sys.exit(
            "The installation failed; pip's words above say why. Run make again once it is mended: it goes on from here."
        )


def attempt(target: Path, requirement: str) -> bool:
    """Install what can be done without."""
    failed = pip(target, requirement)
    if failed:
        say(f"{requirement} cannot be installed here, and is left out")
    return not failed


def pip(target: Path, *arguments: str) -> int:
    """Install with the environment's own pip, or with the interpreter's where the environment has none; return its exit status."""
    python = str(target / "bin" / "python")
    own = any(target.glob("lib/*/site-packages/pip"))
    program = [python, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", python]
    quiet = ["--disable-pip-version-check", "--no-input", "-qq"]
    command = [*program, *quiet, "install", "--constraint", str(PINS), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def say(text: str) -> None:
    """Tell on standard error, so that the output of what follows stays clean."""
    print(f"{text} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
