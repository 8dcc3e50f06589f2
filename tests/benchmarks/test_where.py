"""Samples of a profiler become the parts of a request."""

from xml.etree import ElementTree as ET

from benchmarks.where import DOING, draw, profile

STACKS = [
    "run (runners.py:1);_tell_all (share.py:3);Repeated.settle (repeat.py:4);Memory.answer (memory.py:5);Reply.whole (reply.py:6) 30",
    "run (runners.py:1);_tell_all (share.py:3);Repeated.settle (repeat.py:4);Memory.answer (memory.py:5) 10",
    "run (runners.py:1);GuardedProtocol.data_received (protocol.py:2);Memory.take (memory.py:7);shape_of (shape.py:1) 40",
    "run (runners.py:1) 20",
]


def test_a_sample_counts_for_the_innermost_thing_that_is_known() -> None:
    found = profile("one row", STACKS, 200.0)
    assert {what: spent for what, spent in found.spent.items() if spent} == {
        "sending the answer": 60.0,
        "writing the answer": 20.0,
        "who asks what": 80.0,
        "event loop and kernel": 40.0,
    }


def test_nothing_sampled_is_nothing_spent() -> None:
    assert sum(profile("nothing", [], 100.0).spent.values()) == 0.0


def test_the_picture_tells_each_part() -> None:
    picture = draw([profile("one row", STACKS, 200.0), profile("insert & update", STACKS, 100.0)])
    texts = {element.text for element in ET.fromstring(picture).iter() if element.text}
    assert {what for what, _ in DOING} <= texts
    assert {"one row", "insert & update", "200", "100", "80"} <= texts
