import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.auth.addresses import normal, sought


@given(st.emails())
def test_one_spelling_is_the_last_word(address: str) -> None:
    kept = sought(address)
    assert sought(kept) == kept
    assert sought(address.upper()) in (kept, "")


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_is_looked_up_as_nothing(text: str) -> None:
    kept = sought(text)
    assert kept == "" or "@" in kept
    assert "\0" not in kept
    kept.encode()


@pytest.mark.parametrize(
    "text",
    ["", "@", "a@", "@b.com", "a b@c.com", "a@b..com", "a@b.com, c@d.com", "a@-b.com", "<a@b.com>", "a@b.com\n.c"],
)
def test_what_is_no_address_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        normal(text)
    assert sought(text) == ""
