"""Functions: with whose rights they run, and where they look for names."""

from collections.abc import Iterator

from pellucid.policy.facts import PUBLIC, Facts, Routine
from pellucid.policy.findings import Finding, Severity, listed
from pellucid.policy.quoting import name, relation, roles

COMPILED = ("c", "internal")


def definer_function(facts: Facts) -> Iterator[Finding]:
    """A function in the API that runs with the rights of its owner: it must check by itself who asks."""
    for routine in facts.routines:
        callers = _callers(facts, routine)
        if routine.definer and routine.exposed and callers and routine.extension is None:
            yield Finding(
                Severity.WARNING,
                _shown(routine),
                f"It runs with the rights of {routine.owner} (SECURITY DEFINER), and {listed(callers)} may call it.",
                f"revoke execute on function {_signature(routine)} from {roles((PUBLIC, *callers))}",
            )


def open_search_path(facts: Facts) -> Iterator[Finding]:
    """A function without a search path of its own: the caller decides what its names mean. With SECURITY DEFINER that hands over the
    owner's rights."""
    for routine in facts.routines:
        concerns = routine.definer or (routine.exposed and _callers(facts, routine))
        if not concerns or not _is_open(facts, routine) or routine.extension is not None:
            continue
        risk = (
            f"whoever calls it can bend its names and act as {routine.owner}"
            if routine.definer
            else "what its names mean is up to the caller"
        )
        yield Finding(
            Severity.ERROR if routine.definer else Severity.INFO,
            _shown(routine),
            f"It has no search path of its own, so {risk}.",
            f"alter routine {_signature(routine)} set search_path = {name(routine.name.schema)}, pg_temp",
        )


def _is_open(facts: Facts, routine: Routine) -> bool:
    """Names that were resolved when it was made, and compiled code, need no path."""
    if routine.fixed or routine.language in COMPILED:
        return False
    return routine.path is None or "$user" in routine.path


def _callers(facts: Facts, routine: Routine) -> list[str]:
    return [role.name for role in facts.bound if role.name in routine.executable_by]


def _shown(routine: Routine) -> str:
    return f"{'.'.join(routine.name)}({routine.arguments})"


def _signature(routine: Routine) -> str:
    return f"{relation(routine.name)}({routine.arguments})"
