"""A world with every kind of relationship: one of each, so that a name leads to one table only, but where it must not."""

from tests.scenarios.schemas import opened

OBSERVATORY = """
create table mountain (id int primary key, name text, height int);
create table observatory (id int primary key, name text, mountain int references mountain);
create table dome (observatory int primary key references observatory, metres numeric);
create table licence (id int primary key, observatory int unique references observatory, code text);
create table astronomer (id int primary key, name text, teacher int references astronomer);
create table night (
  observatory int references observatory, astronomer int references astronomer, hours int,
  primary key (observatory, astronomer)
);
create table star (id int primary key, name text, size numeric);
create table atlas (id int primary key, title text);
create table page (
  id int generated always as identity, star int references star, atlas int references atlas, primary key (id, star, atlas)
);
create table parcel (
  id int primary key, content text,
  sent_from int constraint sender references observatory, sent_to int constraint receiver references observatory
);
create table director (id int primary key, name text, forerunner int unique references director);
create table letter (writer int references astronomer, reader int references astronomer, primary key (writer, reader));
create table reading (
  day date, observatory int references observatory, value int, primary key (day, observatory)
) partition by range (day);
create table reading_2024 partition of reading for values from ('2024-01-01') to ('2025-01-01');
create table comet (id int primary key, name text, seen_by int);

insert into mountain values (1, 'Pico', 2300), (2, 'Mauna', 4200);
insert into observatory values (1, 'North', 1), (2, 'South', 2), (3, 'Cellar', null);
insert into dome values (1, 10.5), (2, 30);
insert into licence values (7, 1, 'N-1');
insert into astronomer values (1, 'Tycho', null), (2, 'Johannes', 1), (3, 'Caroline', 2);
insert into night values (1, 1, 5), (1, 2, 3), (2, 3, 8);
insert into star values (1, 'Vega', 2.4), (2, 'Mira', 332);
insert into atlas values (1, 'Skies'), (2, 'Charts');
insert into page (star, atlas) values (1, 1), (1, 2), (2, 1);
insert into parcel values (1, 'lens', 1, 2), (2, 'mirror', 2, 1);
insert into director values (1, 'First', null), (2, 'Second', 1), (3, 'Third', 2);
insert into letter values (1, 2), (2, 3), (3, 2);
insert into reading values ('2024-03-01', 1, 7), ('2024-03-02', 2, 9);
insert into comet values (1, 'Hale', 3);

create function forerunner_of(director) returns setof director rows 1 stable language sql as
  $$ select * from director where id = $1.forerunner $$;
create function heir(director) returns setof director rows 1 stable language sql as
  $$ select * from director where forerunner = $1.id $$;
create function readers(astronomer) returns setof astronomer stable language sql as
  $$ select a.* from astronomer a, letter l where l.writer = $1.id and l.reader = a.id $$;
create function writers(astronomer) returns setof astronomer stable language sql as
  $$ select a.* from astronomer a, letter l where l.reader = $1.id and l.writer = a.id $$;
create function finder(comet) returns setof astronomer rows 1 stable language sql as
  $$ select * from astronomer where id = $1.seen_by $$;
create function finds(astronomer) returns setof comet stable language sql as
  $$ select * from comet where seen_by = $1.id $$;
create function high_sites(above int) returns setof observatory stable language sql as
  $$ select o.* from observatory o join mountain m on m.id = o.mountain where m.height >= above $$;

create view duty with (security_invoker = true) as
  select n.observatory as site, n.hours, o.id as observatory_id, o.name as place
  from night n join observatory o on o.id = n.observatory;
create view duty_again with (security_invoker = true) as select * from duty where hours > 3;
create view everything with (security_invoker = true) as
  select id, observatory from licence union all select id, sent_from from parcel;
create materialized view sites as select id, name, mountain from observatory;
grant select on duty, duty_again, everything, sites to anon;
""" + opened(
    "mountain", "observatory", "dome", "licence", "astronomer", "night", "star", "atlas", "page", "parcel", "director", "letter",
    "reading", "comet",
)  # fmt: skip
