"""Errors tell nothing of tables that the caller may not see."""

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario, Who
from tests.scenarios.schemas import opened

VAULT = """
create table vault (id int primary key);
create table coin (id int primary key, vault int constraint in_its_place references vault);
create table item (id int primary key);
create table secret_item (item int constraint secret_key references item);
insert into vault values (1);
insert into coin values (1, 1);
insert into item values (1);
""" + opened("coin", "item")
HIDDEN = """
create schema inner_room;
create table inner_room.treasure (item int constraint treasure_key references item);
insert into inner_room.treasure values (1);
"""

test_foreign_keys = scenarios(
    *(
        Scenario(
            name=f"a row that points at nothing, by {prefix or 'native'}",
            request=f"POST {prefix}/coin",
            json={"id": 2, "vault": 9},
            who=Who.ADA,
            status=409,
            contains=("23503", "another table"),
            lacks=('table \\"vault\\"', "table vault"),
        )
        for prefix in ("", "/rest/v1")
    ),
    *(
        Scenario(
            name=f"a row that others point at, by {prefix or 'native'}",
            setup="insert into secret_item values (1)",
            request=f"DELETE {prefix}/item?id=eq.1",
            status=409,
            contains=("23503", "another table"),
            lacks=("secret",),
        )
        for prefix in ("", "/rest/v1")
    ),
    Scenario(
        name="a table of a schema that is not served",
        setup=HIDDEN,
        request="DELETE /rest/v1/item?id=eq.1",
        status=409,
        lacks=("treasure", "inner_room"),
    ),
    Scenario(
        name="a table that one may see is named",
        setup="grant select on vault to anon",
        request="POST /rest/v1/coin",
        json={"id": 2, "vault": 9},
        status=409,
        contains=('is not present in table \\"vault\\".',),
    ),
    setup=VAULT,
)

test_tables_that_are_not_served = scenarios(
    Scenario(
        name="are not there for those who may not use them",
        request="GET /rest/v1/vault",
        status=404,
        answer={
            "code": "PGRST205",
            "details": None,
            "hint": None,
            "message": "Could not find the table 'public.vault' in the schema cache",
        },
    ),
    Scenario(
        name="are there for those who may",
        setup="grant select on vault to anon",
        request="GET /vault",
        status=403,
        contains=("row level security is off",),
    ),
    setup=VAULT,
    production=True,
)

test_long_errors = scenarios(
    *(
        Scenario(
            name=f"what was sent is not repeated in full, by {prefix or 'native'}",
            request=f"PATCH {prefix}/coin?id=eq.1",
            json={"vault": "9" * 1_000_000},
            headers={"Prefer": "return=representation"},
            status=status,
            lacks=("9" * 9000,),
        )
        for prefix, status in (("", 422), ("/rest/v1", 400))
    ),
    setup=VAULT,
)
