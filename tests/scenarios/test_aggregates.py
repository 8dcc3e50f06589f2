"""Rows taken together: alone, by columns, inside embedded tables and spread ones."""

from functools import partial

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import opened

SALES = """
create table shop (id int primary key, city text);
create table seller (id int primary key, name text, shop int references shop);
create table sale (id int primary key, seller int references seller, amount numeric(9,2), made timestamp, facts jsonb);
insert into shop values (1, 'Paris'), (2, 'Rome');
insert into seller values (1, 'Ada', 1), (2, 'Bob', 1), (3, 'Cy', 2);
insert into sale values
  (1, 1, 10.50, '2024-01-01 10:00', '{"items": 2}'), (2, 1, 20, '2024-01-01 12:00', '{"items": 3}'),
  (3, 2, 5, '2024-01-02 10:00', null), (4, 3, 1.25, null, '{"items": 1}');
""" + opened("shop", "seller", "sale")
answered = partial(Scenario, status=200, statements=1)

test_aggregates = scenarios(
    answered(
        name="all of them, over all rows",
        request="GET /sale?select=count(),amount.sum(),amount.min(),most:amount.max(),amount.avg()",
        answer=[{"count": 4, "sum": 36.75, "min": 1.25, "most": 20.0, "avg": 9.1875}],
    ),
    answered(
        name="by a column",
        request="GET /sale?select=seller,amount.sum()&order=seller",
        answer=[{"seller": 1, "sum": 30.5}, {"seller": 2, "sum": 5.0}, {"seller": 3, "sum": 1.25}],
    ),
    answered(
        name="by what a cast makes of a column, under a name",
        request="GET /sale?select=day:made::date,items:facts->items::int.sum()::text&made=not.is.null&amount=gt.5",
        answer=[{"day": "2024-01-01", "items": "5"}],
    ),
    answered(
        name="a page of groups, and how many there are",
        request="GET /sale?select=seller,count()&order=seller.desc&limit=1&offset=1",
        headers={"Prefer": "count=exact"},
        status=206,
        answer=[{"seller": 2, "count": 1}],
        shows={"content-range": "1-1/3"},
    ),
    answered(
        name="inside an embedded table",
        request="GET /seller?select=name,sale(amount.sum(),count())&order=name&id=lt.3",
        answer=[
            {"name": "Ada", "sale": [{"sum": 30.5, "count": 2}]},
            {"name": "Bob", "sale": [{"sum": 5.0, "count": 1}]},
        ],
    ),
    answered(
        name="by an embedded row",
        request="GET /sale?select=amount.sum(),seller(name)&seller=eq.2",
        answer=[{"sum": 5.0, "seller": {"name": "Bob"}}],
    ),
    answered(
        name="by an embedded row's columns",
        request="GET /sale?select=amount.sum(),...seller(name,...shop(city))&order=seller(name)",
        answer=[
            {"sum": 30.5, "name": "Ada", "city": "Paris"},
            {"sum": 5.0, "name": "Bob", "city": "Paris"},
            {"sum": 1.25, "name": "Cy", "city": "Rome"},
        ],
    ),
    answered(
        name="lifted out of spread rows, two deep",
        request="GET /sale?select=...seller(sellers:count(),...shop(city,first:id.min()))&order=seller(city)",
        answer=[{"sellers": 3, "city": "Paris", "first": 1}, {"sellers": 1, "city": "Rome", "first": 2}],
    ),
    answered(
        name="not in many spread rows",
        request="GET /seller?select=name,...sale(amount.sum())",
        status=400,
        statements=0,
        contains=("sale is spread as lists",),
    ),
    answered(name="the old way to count", request="GET /rest/v1/sale?select=count", contains=('[{"count":4}]',)),
    answered(
        name="switched off in production",
        production=True,
        request="GET /rest/v1/sale?select=amount.sum()",
        status=400,
        statements=0,
        contains=("PGRST123", "Use of aggregate functions is not allowed"),
    ),
    answered(
        name="and inside embedded tables",
        production=True,
        request="GET /rest/v1/seller?select=sale(count())",
        status=400,
        statements=0,
        contains=("PGRST123",),
    ),
    setup=SALES,
)
