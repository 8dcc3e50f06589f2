"""Values: what the standard library's frozen dataclasses do, ours do too."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

import pytest

from pellucid.frozen import frozen

Thing = TypeVar("Thing")


@frozen
class Ours(Generic[Thing]):
    """One with a field of each kind."""

    name: str
    thing: Thing
    secret: str = field(default="hidden", repr=False)
    notes: list[str] = field(default_factory=list)
    seen: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Theirs(Generic[Thing]):
    """The same."""

    name: str
    thing: Thing
    secret: str = field(default="hidden", repr=False)
    notes: list[str] = field(default_factory=list)
    seen: int = field(default=0, compare=False)


@frozen
class Checked:
    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("below zero")


@frozen
class Nothing:
    """No fields at all."""


def both(*args: Any, **options: Any) -> tuple[Ours[Any], Theirs[Any]]:
    return Ours(*args, **options), Theirs(*args, **options)


@pytest.mark.parametrize("args", [("a", 1), ("a", None, "x"), ("a", [1], "x", ["n"], 3)])
def test_it_is_made_shown_and_taken_apart_alike(args: tuple[Any, ...]) -> None:
    ours, theirs = both(*args)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert asdict(ours) == asdict(theirs)
    assert Ours.__match_args__ == Theirs.__match_args__
    assert not hasattr(ours, "__dict__")
    assert [each.name for each in fields(ours)] == [each.name for each in fields(theirs)]


def test_its_signature_names_and_types_the_fields() -> None:
    ours, theirs = inspect.signature(Ours), inspect.signature(Theirs)
    assert list(ours.parameters) == list(theirs.parameters)
    assert [each.annotation for each in ours.parameters.values()] == [
        each.annotation for each in theirs.parameters.values()
    ]
    with pytest.raises(TypeError, match=r"Ours\.__init__\(\) missing 1 required positional argument: 'thing'"):
        Ours("a")  # type: ignore[call-arg]


def test_equal_values_are_equal_and_have_one_hash() -> None:
    (ours, theirs), (same, _) = both("a", 1, notes=()), both("a", 1, notes=(), seen=9)
    assert ours == same
    assert hash(ours) == hash(same) == hash(theirs)
    assert ours != replace(ours, name="b")
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(())


def test_what_cannot_be_hashed_says_so() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours("a", 1))


def test_each_has_a_default_of_its_own() -> None:
    assert Ours("a", 1).notes is not Ours("a", 1).notes


def test_nothing_changes_it() -> None:
    ours = Ours("a", 1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        ours.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del ours.name
    with pytest.raises(FrozenInstanceError):
        ours.other = 1  # type: ignore[attr-defined]


def test_what_it_checks_is_checked_for_replacements_too() -> None:
    assert replace(Checked(1), number=2) == Checked(2)
    with pytest.raises(ValueError, match="below zero"):
        replace(Checked(1), number=-1)


def test_it_is_copied_and_pickled() -> None:
    ours = Ours("a", [1], notes=["n"])
    assert copy.copy(ours) == copy.deepcopy(ours) == pickle.loads(pickle.dumps(ours)) == ours
    assert copy.deepcopy(ours).notes is not ours.notes


def test_one_that_holds_itself_can_be_shown() -> None:
    inside: list[Any] = []
    ours = Ours("a", inside)
    inside.append(ours)
    assert repr(ours) == "Ours(name='a', thing=[...], notes=[], seen=0)"
