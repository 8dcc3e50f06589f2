"""How many prepared statements a connection keeps."""

from pellucid.database.known import MOST, MOST_CHARACTERS, Known


def test_those_that_were_not_used_for_longest_go() -> None:
    known = Known()
    for number in range(MOST):
        known.use(f"p{number}", 10)
    known.use("p0", 10)
    known.use("new", 10)
    assert known.is_full
    gone = known.forget_oldest()
    assert gone == [f"p{number}" for number in range(1, len(gone) + 1)]
    assert len(known) < MOST
    assert "p0" in known
    assert "p1" not in known
    assert known.characters == 10 * len(known)


def test_long_ones_count_by_their_length() -> None:
    known = Known()
    for number in range(4):
        known.use(f"p{number}", MOST_CHARACTERS // 3)
    assert known.is_full
    assert known.forget_oldest() == ["p0", "p1"]
    known.forget("p2")
    known.forget("p2")
    assert (len(known), known.characters) == (1, MOST_CHARACTERS // 3)
