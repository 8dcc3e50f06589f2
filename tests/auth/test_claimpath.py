"""The path to a token's role, in the notation of RFC 9535 and in PostgREST's older one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.auth.claimpath import NOTHING
from pellucid.auth.pathtext import read_path

CLAIMS: dict[str, Any] = {
    "role": "top",
    "https://example.com/role": {"key": "web"},
    "it's": "quoted",
    "app": {"roles": ["other", "author", "admin-1"], "n": [3, 1, 2], "none": None, "yes": True},
    "groups": [{"name": "a", "on": False}, {"name": "b", "on": True, "rank": 2}, {"name": "c", "rank": 10}],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", CLAIMS),
        ("$.role", "top"),
        ("$['role']", "top"),
        ('$["role"]', "top"),
        ("$[ 'role' ]", "top"),
        ("$['https://example.com/role'].key", "web"),
        ("$['it\\'s']", "quoted"),
        ("$.app.roles[1]", "author"),
        ("$.app.roles[-1]", "admin-1"),
        ("$.app.roles[9]", NOTHING),
        ("$.app.roles[1:]", "author"),
        ("$.app.roles[::-1]", "admin-1"),
        ("$.app.roles[::0]", NOTHING),
        ("$.app.roles[5, 2]", "admin-1"),
        ("$.app.roles[*]", "other"),
        ("$.app.none", None),
        ("$.app.nothing", NOTHING),
        ("$.role.deeper", NOTHING),
        ("$..roles[0]", "other"),
        ("$..key", "web"),
        ("$..['key']", "web"),
        ("$.app.*[0]", "other"),
        ("$.app.roles[?(@ == 'author')]", "author"),
        ("$.app.roles[?@ != 'other']", "author"),
        ("$.app.roles[?search(@, '^adm')]", "admin-1"),
        ("$.app.roles[?(!search(@, '^(other|author)$'))]", "admin-1"),
        ("$.app.roles[?(@ == 'nobody')]", NOTHING),
        ("$.app.n[?@ < 3 && @ > 1]", 2),
        ("$.app.n[?@ >= 3 || @ == 1]", 3),
        ("$.app.n[?@ == 1.0]", 1),
        ("$.app[?@ == true]", True),
        ("$.app[?@ == null]", None),
        ("$.groups[?@.rank].name", "b"),
        ("$.groups[?@.rank > 5].name", "c"),
        ("$.groups[?(@.name != 'a' && !(@.on == true))].name", "c"),
        ("$.groups[?@.on == $.app.yes].name", "b"),
        ("$.groups[?@.rank == @.absent].name", "a"),
        (".role", "top"),
        (".app.roles[1]", "author"),
        ('."https://example.com/role".key', "web"),
        (".app.roles[7]", NOTHING),
        ('.app.roles[?(@ == "author")]', "author"),
        ('.app.roles[?(@ != "other")]', "author"),
        ('.app.roles[?(@ ^== "adm")]', "admin-1"),
        ('.app.roles[?(@ ==^ "hor")]', "author"),
        ('.app.roles[?(@ *== "n-")]', "admin-1"),
    ],
)
def test_a_path_leads_to_its_first_value(path: str, value: Any) -> None:
    assert read_path(path).first(CLAIMS) == value


@pytest.mark.parametrize(
    "path",
    ["", "role", "$role", "$.", "$.a b", "$[", "$['a'", "$[a]", "$[]", "$[?]", "$[?(@ == )]", "$[?'a']", "$[?search(@, '(')]",
     "$[?search(@)]",
     "$[99999999999]", "$['\\x']", f"$[?{'(' * 50}@{')' * 50}]", ".", ".a.", ".a[-1]", '.a[?(@ == "b")].c', ".a[?(@ ~ 'b')]"],
)  # fmt: skip
def test_what_is_no_path_is_refused_in_one_line(path: str) -> None:
    with pytest.raises(ValueError, match=r"character|cannot be read"):
        read_path(path)


@given(st.text("$.@[]?()'\"*,:!&|=<>^ ab01-search\\", max_size=40))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = read_path(text)
    except ValueError:
        return
    path.first(CLAIMS)
