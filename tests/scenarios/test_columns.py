"""A column that a role may not read is answered, wherever it is named, as one that is not there; and its values come out nowhere."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.scenarios.conftest import Playhouse
from tests.scenarios.isolation import ADA, Ask
from tests.scenarios.test_isolation import House, serving

pytestmark = pytest.mark.anyio
STAFF = """
create table office (id int primary key, city text, rent int);
create table staff (id int primary key, name text, salary int unique, office int references office, boss int references staff);
insert into office values (1, 'Paris', 77777);
insert into staff values (1, 'Ada', 55555, 1, null), (2, 'Bob', 66666, 1, 1);
create view staff_view with (security_invoker) as select * from staff;
create function doubled(staff) returns int stable language sql as $$ select $1.salary * 2 $$;
alter table staff enable row level security; alter table office enable row level security;
create policy everybody on staff using (true) with check (true); create policy everybody on office using (true) with check (true);
grant select (id, name, office, boss), insert (id, name, office), update (id, name), delete on staff to authenticated;
grant select (id, city) on office to authenticated;
grant select, insert, update, delete on staff_view to authenticated;
"""
ROWS = {"Prefer": "return=representation"}
MERGE = {"Prefer": "return=representation, resolution=merge-duplicates"}
POSITIONS: dict[str, Ask] = {
    "select": Ask("/staff?select=id,{salary}"),
    "cast": Ask("/staff?select=id,{salary}::text"),
    "alias": Ask("/staff?select=id,x:{salary}"),
    "json": Ask("/staff?select=id,{salary}->a"),
    "filter": Ask("/staff?select=id&{salary}=gt.60000"),
    "null": Ask("/staff?select=id&{salary}=is.null"),
    "tree": Ask("/staff?select=id&or=({salary}.gt.60000,id.eq.1)"),
    "order": Ask("/staff?select=id&order={salary}"),
    "aggregate": Ask("/staff?select={salary}.max()"),
    "group": Ask("/staff?select=count(),{salary}"),
    "counted": Ask("/staff?select=id&{salary}=gt.60000", headers={"Prefer": "count=exact"}),
    "planned": Ask("/staff?select=id&{salary}=gt.60000", headers={"Prefer": "count=planned"}),
    "plan": Ask("/staff?select=id&{salary}=gt.60000", headers={"Accept": "application/vnd.pgrst.plan+json"}),
    "table": Ask("/staff?select=id,{salary}", headers={"Accept": "text/csv"}),
    "embedded": Ask("/office?select=id,staff({salary})"),
    "embedded filter": Ask("/office?select=id,staff(id)&staff.{salary}=gt.60000"),
    "embedded order": Ask("/office?select=id,staff(id)&staff.order={salary}"),
    "embedded aggregate": Ask("/office?select=id,staff({salary}.sum())"),
    "related order": Ask("/staff?select=id,boss(id)&order=boss({salary})"),
    "spread": Ask("/office?select=id,...staff({salary})"),
    "inner": Ask("/office?select=id,staff!inner()&staff.{salary}=gt.60000"),
    "to one": Ask("/staff?select=id,boss({salary})"),
    "returned by an insert": Ask("/staff?select=id,{salary}", "POST", {"id": 3, "name": "Cy"}, ROWS),
    "returned by a change": Ask("/staff?id=eq.1&select=id,{salary}", "PATCH", {"name": "x"}, ROWS),
    "returned by a removal": Ask("/staff?id=eq.2&select=id,{salary}", "DELETE", None, ROWS),
    "filter of a change": Ask("/staff?{salary}=gt.60000&select=id", "PATCH", {"name": "x"}, ROWS),
    "filter of a removal": Ask("/staff?{salary}=gt.60000&select=id", "DELETE", None, ROWS),
    "embedded in what is returned": Ask("/staff?id=eq.2&select=id,boss({salary})", "PATCH", {"name": "x"}, ROWS),
    "a view's": Ask("/staff_view?select=id&{salary}=gt.60000"),
}
NAMED = ("salary", "rent")
"""What no answer may name, but one that asked for it."""
VALUES = ("55555", "66666", "77777", "111110", "133332")


@pytest.mark.parametrize("prefix", ["", "/rest/v1"], ids=["native", "postgrest"])
async def test_a_hidden_column_is_as_one_that_is_not_there(stage: Playhouse, prefix: str) -> None:
    wrong = []
    async with serving(stage, STAFF, tx_end="rollback") as house:
        for position, ask in POSITIONS.items():
            hidden, absent = [await asked(house, ask, name, prefix) for name in ("salary", "wealth")]
            if position == "a view's":  # a view may be read whole, and PostgreSQL refuses what is under it
                assert hidden["status"] == 403
            elif hidden != absent or hidden["status"] < 400:
                wrong.append((position, hidden, absent))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("prefix", ["", "/rest/v1"], ids=["native", "postgrest"])
async def test_a_hidden_column_comes_out_nowhere(stage: Playhouse, prefix: str) -> None:
    tries = [
        *(Ask(f"/{table}", headers={"Accept": kind}) for table in ("staff", "staff_view", "office") for kind in ("*/*", "text/csv")),
        *(Ask(target) for target in ("/staff?select=doubled", "/staff?order=doubled", "/staff?doubled=gt.1", "/office?select=*,staff(*)")),
        Ask("/staff", "POST", {"id": 3, "name": "Cy"}, ROWS),
        Ask("/staff", "POST", {"id": 3, "salary": 55555}, ROWS),
        Ask("/staff?columns=id,salary", "POST", {"id": 3, "salary": 55555}, ROWS),
        Ask("/staff?on_conflict=salary", "POST", {"id": 3, "salary": 55555}, MERGE),
        Ask("/staff?on_conflict=salary", "POST", {"id": 3, "name": "x"}, MERGE),
        Ask("/staff", "POST", {"id": 1, "name": "x"}, MERGE),
        Ask("/staff?id=eq.1", "PATCH", {"salary": 66666}, ROWS),
        Ask("/staff?id=eq.1", "PATCH", {"id": 2}, ROWS),
        Ask("/staff?id=eq.1", "PUT", {"id": 1, "name": "x", "salary": 1, "office": 1, "boss": None}, ROWS),
        Ask("/staff?id=gt.0", "DELETE", None, ROWS),
        *(Ask(f"/staff?select=id,{near}") for near in ("salry", "salaries", "salary2")),
        *(Ask(f"/staff?select=id&order={near}") for near in ("salry", "salaries")),
        *(Ask(f"/staff?columns=id,{near}", "POST", {"id": 3}) for near in ("salry", "sallary")),
        *(Ask(f"/staff?on_conflict={near}", "POST", {"id": 3}, MERGE) for near in ("salry", "sallary")),
        *(Ask("/staff", "POST", {"id": 3, near: 1}) for near in ("salry", "sallary")),
        *(Ask("/staff?id=eq.1", "PATCH", {near: 1}) for near in ("salry", "sallary")),
        *(Ask(f"/office?select=id,{near}") for near in ("rant", "rents")),
        *(Ask(f"/office?select=id,staff({near})") for near in ("salry", "sallary")),
    ]  # fmt: skip
    async with serving(stage, STAFF, tx_end="rollback") as house:
        for ask in tries:
            answer = await house.send(ADA, ask, prefix)
            told = f"{ask} {answer.status_code} {answer.text}"
            assert answer.status_code < 500, told
            for secret in (*VALUES, *NAMED):
                sent = f"{ask.target} {ask.json}"
                assert secret in sent or secret not in without_chance(f"{answer.text} {answer.headers}"), told


def without_chance(seen: str) -> str:
    """An answer without its identifiers and times, which may hold any five digits."""
    return re.sub(r"[0-9a-f]{16,}|dur=[0-9.]+", "", seen)


async def asked(house: House, ask: Ask, name: str, prefix: str) -> Mapping[str, Any]:
    """What is answered, without what differs from request to request and without the name that was asked for."""
    named = Ask(ask.target.replace("{salary}", name), ask.method, ask.json, ask.headers)
    answer: httpx.Response = await house.send(ADA, named, prefix)
    text = re.sub(r'"request_id":"[^"]*"', "", answer.text).replace(name, "…")
    kept = ("content-type", "content-range", "www-authenticate", "location", "preference-applied")
    return {"status": answer.status_code, "text": text, **{key: answer.headers.get(key) for key in kept}}
