"""Plans of PostgreSQL as trees."""

import json
from typing import Any

import asyncpg
import pytest

from pellucid.trace.plans import nodes_of, tree_of
from pellucid.trace.plantree import triggers, walk
from tests.trace.sample import INSERT, PLAN


def test_each_node_knows_what_it_took_by_itself() -> None:
    top = tree_of(PLAN)
    assert top is not None
    drawn, nodes = list(walk(top)), nodes_of(PLAN)
    assert [each.title for each in drawn] == [
        "Limit",
        "Sort",
        "Nested Loop (left)",
        "Seq Scan on orders",
        "Index Scan using customers_pkey on customers c",
    ]
    assert nodes[3].own == pytest.approx(0.0139)
    assert nodes[4].rows == 4120
    assert sum(node.own or 0 for node in nodes) == pytest.approx(nodes[0].seconds)
    assert [node.misjudged for node in nodes] == [False, False, True, True, False]
    assert drawn[3].notes[-1] == "Rows Removed by Filter: 95,880"


def test_what_a_limit_cut_off_is_no_wrong_estimate() -> None:
    scan = {"Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 5000, "Actual Rows": 5, "Actual Loops": 1}
    sort = {"Node Type": "Sort", "Plan Rows": 5000, "Actual Rows": 5, "Actual Loops": 1, "Plans": [scan]}
    for below, misjudged in ((scan, [False, False]), (sort, [False, False, True])):
        top = tree_of({"Node Type": "Limit", "Plan Rows": 5, "Actual Rows": 5, "Actual Loops": 1, "Plans": [below]})
        assert top is not None
        assert [each.node.misjudged for each in walk(top)] == misjudged


@pytest.mark.parametrize(
    ("expected", "rows", "loops", "misjudged"), [(1, 0.01, 5000, False), (5000, 0, 0, False), (1, 20, 50, True)]
)
def test_an_estimate_is_of_each_time_and_one_row_at_least(
    expected: float, rows: float, loops: int, misjudged: bool
) -> None:
    top = tree_of({"Node Type": "Index Scan", "Plan Rows": expected, "Actual Rows": rows, "Actual Loops": loops})
    assert top is not None
    assert top.misjudged is misjudged


def test_a_cte_counts_where_it_is_scanned() -> None:
    cte = {"Node Type": "Result", "Subplan Name": "CTE w", "Plan Rows": 1, "Actual Total Time": 6.0, "Actual Loops": 1}
    scan = {
        "Node Type": "CTE Scan",
        "CTE Name": "w",
        "Alias": "w",
        "Plan Rows": 1,
        "Actual Total Time": 7.0,
        "Actual Loops": 1,
    }
    top = tree_of(
        {"Node Type": "Aggregate", "Plan Rows": 1, "Actual Total Time": 8.0, "Actual Loops": 1, "Plans": [cte, scan]}
    )
    assert top is not None
    drawn = list(walk(top))
    assert [each.title for each in drawn] == ["Aggregate", "CTE w: Result", "CTE Scan on w"]
    assert [each.node.own for each in drawn] == [pytest.approx(0.001), pytest.approx(0.006), pytest.approx(0.001)]


def test_the_tree_knows_its_levels() -> None:
    top = tree_of(PLAN)
    assert top is not None
    assert [(each.level, each.above, each.last) for each in walk(top)] == [
        (0, (), True),
        (1, (), True),
        (2, (False,), True),
        (3, (False, False), False),
        (3, (False, False), True),
    ]


def test_a_write_is_named_by_what_it_does() -> None:
    top = tree_of(INSERT)
    assert top is not None
    assert next(walk(top)).title == "Insert on visits"
    assert triggers(INSERT) == ["visits_touch on visits: 1 times, 0.08 ms"]


@pytest.mark.parametrize("plan", [None, {}, [], {"Plan": 5}, {"Plan": {}}, "text"])
def test_what_is_no_plan_is_no_tree(plan: Any) -> None:
    assert tree_of(plan) is None


@pytest.mark.parametrize("options", ["analyze, buffers, format json", "format json"])
async def test_a_real_plan_can_be_read(options: str, admin: asyncpg.Connection) -> None:
    await admin.execute(
        "create table things (id int primary key, kind text); insert into things select i, 'x' from generate_series(1, 200) i"
    )
    told = await admin.fetchval(
        f"explain ({options}) select kind, count(*) from things where id > 3 group by kind order by 2"
    )
    top = tree_of(json.loads(told))
    assert top is not None
    titles = [each.title for each in walk(top)]
    assert "things" in titles[-1]
    assert (top.rows is not None) is ("analyze" in options)
