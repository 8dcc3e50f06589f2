create table authors (id int primary key, name text not null);
create table books (
  id int primary key,
  title text not null unique,
  author_id int references authors,
  year int,
  price numeric,
  tags text[],
  extra jsonb,
  printed daterange
);
create table genres (id int primary key, name text not null);
create table book_genres (book_id int references books, genre_id int references genres, primary key (book_id, genre_id));
create table loans (id bigint generated always as identity primary key, book_id int references books, reader text default current_user);

insert into authors values (1, 'Ursula'), (2, 'Stanislaw'), (3, 'Nobody');
insert into books values
  (1, 'The Dispossessed', 1, 1974, 10.5, '{utopia,moon}', '{"pages": 341, "language": "en"}', '[1974-01-01,1980-01-01)'),
  (2, 'The Lathe of Heaven', 1, 1971, 8, '{dream}', '{"pages": 184, "language": "en"}', '[1971-01-01,1972-01-01)'),
  (3, 'Solaris', 2, 1961, 7.25, '{ocean,space}', '{"pages": 204, "language": "pl"}', null);
insert into genres values (1, 'novel'), (2, 'philosophy');
insert into book_genres values (1, 1), (2, 1), (3, 1), (3, 2);

create function add(a int, b int) returns int language sql immutable as 'select a + b';
create function hello(name text default 'you') returns text language sql stable as $$ select 'hello ' || name $$;
create function books_after(after int) returns setof books language sql stable as 'select * from books where year > after';
create function lend(book int) returns void language sql as 'insert into loans (book_id) values (book)';
create function refuse() returns void language plpgsql as
  $$ begin raise sqlstate 'PT402' using message = 'Payment required', detail = 'Quota exceeded', hint = 'Upgrade your plan'; end $$;
create function shelf(books) returns text language sql stable as $$ select 'shelf ' || ($1.year / 10) $$;

do $$ declare name text; begin
  foreach name in array array['authors', 'books', 'genres', 'book_genres', 'loans'] loop
    execute format('alter table %I enable row level security', name);
    execute format('create policy everybody on %I using (true) with check (true)', name);
    execute format('grant select, insert, update, delete on %I to anon, authenticated, service_role', name);
  end loop;
end $$;
notify pgrst;
