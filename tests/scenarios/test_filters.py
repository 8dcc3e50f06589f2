"""Every operator, on every kind of column."""

from functools import partial

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import opened

THINGS = r"""
create domain short as text check (length(value) < 6);
create domain colour as int;
create type mood as enum ('sad', 'happy');
create function shown(colour) returns json stable language sql as $$ select to_json('#' || to_hex($1::int)) $$;
create function parsed(text) returns colour stable language sql as $$ select ('x' || lpad($1, 8, '0'))::bit(32)::int::colour $$;
create cast (colour as json) with function shown(colour) as implicit;
create cast (text as colour) with function parsed(text) as implicit;
create table thing (
  id int primary key, name text, code short, paint colour, mood mood, tags text[], span int4range, facts jsonb, raw json,
  words tsvector, made timestamptz, ok boolean, address inet
);
insert into thing values
  (1, 'The cat', 'a', 255, 'sad', '{x,y}', '[1,5)', '{"a": {"b": [1, 2]}, "c": "one"}', '{"k": "v"}',
   to_tsvector('english', 'impossible cats'), '2024-01-01 00:00Z', true, '10.0.0.1'),
  (2, 'A dog', 'b', 16, 'happy', '{y,z}', '[5,9)', '{"a": {"b": [3]}, "c": "two"}', '{"k": "w"}',
   to_tsvector('english', 'possible dogs'), '2024-06-01 00:00Z', false, '10.1.0.1'),
  (3, null, null, null, null, null, null, null, null, null, null, null, null);
""" + opened("thing")
answered = partial(Scenario, status=200, statements=1)


def finds(query: str, *ids: int, native: bool = False) -> Scenario:
    """A filter, and the rows that it lets through."""
    path = "/thing" if native else "/rest/v1/thing"
    return answered(name=query, request=f"GET {path}?select=id&order=id&{query}", answer=[{"id": each} for each in ids])


def refused(query: str, code: str, *texts: str, status: int = 400) -> Scenario:
    """A filter that PostgreSQL refuses."""
    return answered(
        name=query,
        request=f"GET /rest/v1/thing?select=id&{query}",
        status=status,
        contains=(code, *texts),
        statements=None,
    )


test_operators = scenarios(
    finds("id=eq(any).{1,3}", 1, 3),
    finds("id=not.eq(all).{1,1}", 2, 3),
    finds("id=gte.2&id=lt.3", 2),
    finds("id=gt(all).{1,2}", 3),
    finds("name=like.*cat", 1),
    finds("name=ilike(any).{the*,*DOG}", 1, 2),
    finds("name=match.^The", 1),
    finds("name=not.imatch.^the", 2),
    finds("id=in.(1,2)&id=not.in.()", 1, 2),
    finds('name=in.("A dog","The, cat")', 2),
    finds('tags=in.("{x,y}")', 1),
    finds("ok=is.true", 1),
    finds("ok=is.unknown", 3),
    finds("name=is.not_null", 1, 2),
    finds("mood=isdistinct.sad", 2, 3),
    finds("mood=gt.sad", 2),
    finds("tags=cs.{y}", 1, 2),
    finds("tags=cd.{x,y,w}", 1),
    finds("tags=ov.{z,q}", 2),
    finds("span=cs.[2,3)", 1),
    finds("span=sl.[5,6)", 1),
    finds("span=sr.[1,5)", 2),
    finds("span=nxr.[1,6)", 1),
    finds("span=nxl.[2,6)", 2),
    finds("span=adj.[9,10)", 2),
    finds("address=sl.10.0.0.0/16", 1),
    finds('facts=cs.{"c":"two"}', 2),
    finds("facts->a->b=eq.[3]", 2),
    finds("facts->>c=eq.one", 1),
    finds("facts->a->b->>0=in.(1,3)", 1, 2),
    finds("raw->>k=like.w", 2),
    finds("tags->>0=eq.x", 1),
    finds("made=gte.2024-03-01T00:00:00%2B01:00", 2),
    finds("words=fts(english).impossible", 1),
    finds("words=plfts.dog", 2),
    finds("words=not.phfts(english).impossible%20cats", 2),
    finds("name=wfts(english).cats%20-dog", 1),
    finds("facts=fts.one", 1),
    finds("code=eq.longer%20than%20five"),
    finds("paint=eq.ff", 1),
    finds("paint=in.(ff,10)", 1, 2),
    finds("paint=neq.ff", 2),
    finds("or=(and(id.gt.1,name.not.is.null),tags.cs.{x,y},not.or(id.lt.3,ok.is.true))", 1, 2, 3),
    finds("id=2", 2, native=True),
    refused("id=eq.two", "22P02", 'invalid input syntax for type integer: \\"two\\"'),
    refused("facts=like.x", "42883", "operator does not exist: jsonb ~~ unknown", status=404),
    refused("raw=eq.1", "42883", "operator does not exist: json = unknown", status=404),
    refused("name=fts(nope).x", "42704", 'text search configuration \\"nope\\" does not exist'),
    setup=THINGS,
)

test_fields = scenarios(
    answered(
        name="a cast to nothing",
        request="GET /rest/v1/thing?id=eq.1&select=n:id::text,b:facts->a->b->0,facts->>c,tags->1,made::date,name::",
        status=400,
        statements=0,
        contains=("PGRST100",),
    ),
    answered(
        name="casts to types of all kinds",
        request="GET /rest/v1/thing?id=eq.1"
        "&select=n:id::text,b:facts->a->b->0,facts->>c,tags->1,made::date,m:name::bytea,mood::mood,id::double precision",
        contains=(
            '[{"n":"1","b":1,"c":"one","tags":"y","made":"2024-01-01",',
            '"m":"\\\\x54686520636174","mood":"sad","id":1}]',
        ),
    ),
    answered(
        name="no such type",
        request="GET /rest/v1/thing?select=id::nope",
        status=400,
        statements=0,
        contains=('"code":"42704"', 'type \\"nope\\" does not exist'),
    ),
    answered(
        name="types that look names up are none",
        request="GET /rest/v1/thing?select=id::regclass",
        status=400,
        statements=0,
        contains=("42704",),
    ),
    answered(
        name="a domain as its functions show it",
        request="GET /rest/v1/thing?id=eq.1&select=paint,p:paint::text",
        contains=('[{"paint":"#ff","p":"\\"#ff\\""}]',),
    ),
    answered(
        name="an order by what is in JSON, and by a domain",
        request="GET /rest/v1/thing?select=id&order=facts->>c.desc.nullslast,paint",
        answer=[{"id": 2}, {"id": 1}, {"id": 3}],
    ),
    answered(
        name="a name twice is there twice, as in PostgREST",
        request="GET /rest/v1/thing?select=id,id&id=eq.1",
        contains=('[{"id":1,"id":1}]',),
    ),
    answered(name="but once in the native profile", request="GET /thing?select=id,id&id=1", contains=('[{"id":1}]',)),
    setup=THINGS,
)
