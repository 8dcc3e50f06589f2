"""Who a provider says that somebody is. Each provider words it in its own way; here it becomes one value."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from pellucid.auth.addresses import sought
from pellucid.errors import ProviderFailed

LONGEST = 255
"""Characters of a subject (OpenID Connect Core 1.0, 2)."""
_KEPT = ("name", "full_name", "given_name", "family_name", "preferred_username", "picture", "locale")
"""What of a profile is kept, and nothing more: what is not stored cannot leak."""
Answer = Mapping[str, Any]


class Person(Struct, frozen=True):
    """Somebody at a provider. ``subject`` never changes there. ``email`` is None where the provider tells none, and counts as proved
    only with ``email_verified``. ``profile`` is what else is kept."""

    provider: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    profile: Mapping[str, Any] = field(default_factory=dict)


def openid(provider: str, answer: Answer) -> Person:
    """Somebody as OpenID Connect words it (Core 1.0, 5.1)."""
    return _person(provider, answer.get("sub"), answer, verified=answer.get("email_verified"))


def microsoft(provider: str, answer: Answer) -> Person:
    """The same of Microsoft, where any tenant writes into ``email`` what it likes; only ``xms_edov`` says that the domain is its own."""
    return _person(provider, answer.get("sub"), answer, verified=answer.get("xms_edov"))


def github(provider: str, answer: Answer) -> Person:
    """Somebody at GitHub; ``emails`` is the list that it keeps beside the profile."""
    emails = [each for each in answer.get("emails") or () if isinstance(each, Mapping) and each.get("primary")]
    address = emails[0] if emails else {}
    told = {
        "email": address.get("email"),
        "name": answer.get("name"),
        "preferred_username": answer.get("login"),
        "picture": answer.get("avatar_url"),
    }
    return _person(provider, answer.get("id"), told, verified=address.get("verified"))


def discord(provider: str, answer: Answer) -> Person:
    """Somebody at Discord."""
    told = {
        "email": answer.get("email"),
        "name": answer.get("global_name"),
        "preferred_username": answer.get("username"),
    }
    return _person(provider, answer.get("id"), told, verified=answer.get("verified"))


def facebook(provider: str, answer: Answer) -> Person:
    """Somebody at Facebook, which does not say whether an address is verified; so it counts as not."""
    return _person(provider, answer.get("id"), answer, verified=False)


READERS: Mapping[str, Callable[[str, Answer], Person]] = {
    "openid": openid,
    "microsoft": microsoft,
    "github": github,
    "discord": discord,
    "facebook": facebook,
}


def _person(provider: str, subject: object, answer: Answer, *, verified: object) -> Person:
    known = str(subject) if isinstance(subject, str | int) and not isinstance(subject, bool) else ""
    if not 0 < len(known) <= LONGEST or not known.isprintable():
        raise ProviderFailed(f"{provider} did not say who signed in.")
    told = answer.get("email")
    email = (sought(told) if isinstance(told, str) else "") or None
    profile = {name: answer[name] for name in _KEPT if _plain(answer.get(name))}
    return Person(provider, known, email, email is not None and _says_yes(verified), profile)


def _plain(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2048 and "\0" not in value


def _says_yes(value: object) -> bool:
    """Apple writes it as text, Microsoft as a number."""
    return value is True or value in ("true", "1") or (isinstance(value, int) and value == 1)
