"""The family of errors: one code and one status each, and a way out for everybody."""

import re
from collections.abc import Iterator

import pytest

from pellucid import errors
from pellucid.errors import DatabaseError, Duplicate, Fault, PellucidError


def family(kind: type[PellucidError] = PellucidError) -> Iterator[type[PellucidError]]:
    yield kind
    for derived in kind.__subclasses__():
        if derived.__module__ == errors.__name__:
            yield from family(derived)


KINDS = list(family())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_is(kind: type[PellucidError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert 400 <= kind.status <= 599
    assert kind.postgrest_status is None or 300 <= kind.postgrest_status <= 599
    assert re.fullmatch(r"PGRST[0-9X]\d\d|PGRSTX\d\d|[0-9A-Z]{5}", kind.postgrest_code)
    assert kind.title
    assert not kind.title.endswith(".")
    assert kind.way_out.endswith(".")
    assert kind.__doc__


def test_no_two_kinds_share_a_code() -> None:
    codes = [kind.code for kind in KINDS]
    assert sorted(set(codes)) == sorted(codes)


def test_every_kind_has_a_code_of_its_own() -> None:
    assert all("code" in vars(kind) for kind in KINDS)


def test_the_tree_at_the_top_of_the_file_is_the_family() -> None:
    drawn = set(re.findall(r"\b[A-Z]\w+", (errors.__doc__ or "").split("::")[1].split("An error carries")[0]))
    assert {kind.__name__ for kind in KINDS} <= drawn


def test_an_error_carries_what_a_client_may_see() -> None:
    fault = Fault("age", "Must be a number.", "Send a number.")
    error = PellucidError("It broke.", details="Just so.", hint="Mend it.", faults=(fault,), headers={"Allow": "GET"})
    assert str(error) == error.message == "It broke."
    assert (error.details, error.hint, error.faults, error.headers) == (
        "Just so.",
        "Mend it.",
        (fault,),
        {"Allow": "GET"},
    )
    assert PellucidError("x").headers == {}
    assert PellucidError("x").hint is None


def test_an_error_of_the_database_keeps_its_sqlstate() -> None:
    error = Duplicate("duplicate key", sqlstate="23505", postgrest_status=409)
    assert (error.sqlstate, error.status_in_postgrest, error.status) == ("23505", 409, 409)
    assert isinstance(error, DatabaseError)
    assert DatabaseError("x").sqlstate == "XX000"


def test_the_inner_cause_stays_inside() -> None:
    error = PellucidError("outer")
    error.__cause__ = RuntimeError("SELECT secret")
    assert "secret" not in str(error)
    assert "secret" not in repr(error)
