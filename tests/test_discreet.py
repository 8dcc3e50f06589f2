"""What a discreet value shows of itself, and to whom."""

from importlib import import_module
from pkgutil import walk_packages

from msgspec import field
from msgspec.structs import asdict, replace
from rich.pretty import pretty_repr

import pellucid
from pellucid.discreet import Discreet, Hidden


class Key(Discreet, frozen=True):
    id: str
    secret: Hidden[str]
    note: Hidden[str | None] = None
    tags: Hidden[list[str]] = field(default_factory=list)


KEY = Key("k1", "s3cret", "n0te", ["t4g"])


def test_what_is_hidden_is_not_shown() -> None:
    assert repr(KEY) == f"{KEY}" == pretty_repr(KEY) == "Key(id='k1')"
    assert repr([KEY]) == "[Key(id='k1')]"


def test_it_is_a_value_like_any_other() -> None:
    assert replace(KEY, id="k2").secret == "s3cret"
    assert asdict(KEY) == {"id": "k1", "secret": "s3cret", "note": "n0te", "tags": ["t4g"]}
    assert KEY == Key("k1", "s3cret", "n0te", ["t4g"]) != Key("k1", "other")


def test_each_of_ours_hides_something() -> None:
    for module in walk_packages(pellucid.__path__, "pellucid."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    ours = [kind for kind in Discreet.__subclasses__() if kind.__module__.startswith("pellucid.")]
    assert len(ours) > 10
    for kind in ours:
        value = kind(*(object() for _ in kind.__struct_fields__)) if not hasattr(kind, "__post_init__") else None
        assert value is None or len(value.__rich_repr__()) < len(kind.__struct_fields__), kind
