"""Related tables in one answer, in one statement: every kind of relationship, and all that may be said of one."""

from functools import partial

from tests.scenarios.runner import scenarios
from tests.scenarios.scenario import Scenario
from tests.scenarios.schemas import PARTLY_GRANTED, opened

answered = partial(Scenario, status=200, statements=1)

LIBRARY = """
create table author (id int primary key, name text, mentor int references author);
create table life (author int primary key references author, born date);
create table book (
  id int primary key, title text, pages int,
  author int references author, editor int constraint edited_by references author
);
create table tag (id int primary key, word text);
create table label (book int references book, tag int references tag, primary key (book, tag));
insert into author values (1, 'Ada', null), (2, 'Blaise', 1), (3, 'Carl', 1), (4, 'Dora', 3);
insert into life values (1, '1815-12-10'), (2, '1623-06-19');
insert into book values (1, 'Notes', 40, 1, 2), (2, 'Thoughts', 300, 2, 3), (3, 'Letters', 90, 2, null), (4, 'Lost', null, null, null);
insert into tag values (1, 'logic'), (2, 'faith');
insert into label values (1, 1), (2, 1), (2, 2);
create function initial(author) returns text stable language sql as $$ select left($1.name, 1) $$;
create function long_books(author) returns setof book stable language sql as
  $$ select * from book where author = $1.id and pages > 80 $$;
create function reviewer(book) returns setof author rows 1 stable language sql as
  $$ select * from author where id = $1.id + 1 $$;
create view shelf with (security_invoker = true) as select id, title, author from book where pages is not null;
grant select on shelf to anon;
""" + opened("author", "life", "book", "tag", "label")

test_relationships = scenarios(
    answered(
        name="to one, to many and through a table between",
        request="GET /rest/v1/book?select=title,author!book_author_fkey(name),tag(word)&order=id&limit=2&tag.order=id",
        answer=[
            {"title": "Notes", "author": {"name": "Ada"}, "tag": [{"word": "logic"}]},
            {"title": "Thoughts", "author": {"name": "Blaise"}, "tag": [{"word": "logic"}, {"word": "faith"}]},
        ],
    ),
    answered(
        name="the bytes are PostgREST's: objects inside are jsonb",
        request="GET /rest/v1/author?select=name,book!author(title,id)&id=eq.1",
        contains=('[{"name":"Ada","book":[{"id": 1, "title": "Notes"}]}]',),
    ),
    answered(
        name="rows are separated as PostgREST does",
        request="GET /rest/v1/tag?select=id&order=id",
        contains=('[{"id":1}, \n {"id":2}]',),
    ),
    answered(
        name="nothing is null, or an empty list",
        request="GET /rest/v1/book?select=title,by:author!book_author_fkey(name),tag(word)&id=eq.4",
        answer=[{"title": "Lost", "by": None, "tag": []}],
    ),
    answered(
        name="a table and itself, both ways",
        request="GET /rest/v1/author?select=name,mentor(name),pupils:author!mentor(name)&id=eq.3&pupils.order=id",
        answer=[{"name": "Carl", "mentor": {"name": "Ada"}, "pupils": [{"name": "Dora"}]}],
    ),
    answered(
        name="one to one, from both sides",
        request="GET /rest/v1/life?select=born,author(name,life(born))&author=eq.1",
        answer=[{"born": "1815-12-10", "author": {"name": "Ada", "life": {"born": "1815-12-10"}}}],
    ),
    answered(
        name="a view",
        request="GET /rest/v1/author?select=name,shelf(title)&id=eq.1",
        answer=[{"name": "Ada", "shelf": [{"title": "Notes"}]}],
    ),
    answered(
        name="a column that nobody has",
        request="GET /rest/v1/book?select=title,initial",
        status=400,
        contains=("42703", "column book.initial does not exist"),
        statements=0,
    ),
    answered(
        name="functions of a row, in each other",
        request="GET /rest/v1/book?select=title,reviewer(initial,long_books(title))&id=eq.1&reviewer.long_books.order=title",
        answer=[
            {
                "title": "Notes",
                "reviewer": {"initial": "B", "long_books": [{"title": "Letters"}, {"title": "Thoughts"}]},
            }
        ],
    ),
    answered(
        name="a column that a function makes, everywhere",
        request="GET /rest/v1/author?select=initial&initial=gt.A&order=initial.desc&limit=2",
        answer=[{"initial": "D"}, {"initial": "C"}],
    ),
    answered(
        name="several keys lead back",
        request="GET /rest/v1/author?select=book(title)",
        status=300,
        contains=("PGRST201", "book!book_author_fkey", "edited_by using author(id) and book(editor)"),
        statements=0,
    ),
    answered(
        name="the native profile says what to write",
        request="GET /author?select=book(title)",
        status=400,
        contains=("ambiguous-relationship", "book!edited_by"),
        statements=0,
    ),
    answered(
        name="no key leads there",
        request="GET /rest/v1/author?select=taq(word)",
        status=400,
        contains=("PGRST200", "'author' and 'taq' in the schema 'public'"),
        statements=0,
    ),
    setup=LIBRARY,
)

test_conditions = scenarios(
    answered(
        name="inside, with an order and a limit",
        request="GET /author?select=name,book!author(title)&book.pages=gt.50&book.order=pages.desc&book.limit=1&order=id&limit=2",
        answer=[{"name": "Ada", "book": []}, {"name": "Blaise", "book": [{"title": "Thoughts"}]}],
    ),
    answered(
        name="inner keeps the rows that have some",
        request="GET /rest/v1/author?select=name,book!author!inner(title)&book.pages=gt.50&book.or=(title.like.T*,title.like.L*)&order=id",
        headers={"Prefer": "count=exact"},
        contains=('"name":"Blaise"', "Letters"),
        lacks=("Ada", "Carl"),
        shows={"content-range": "0-0/1"},
    ),
    answered(
        name="rows that have none",
        request="GET /author?select=name,book!author()&book=is.null&order=id",
        answer=[{"name": "Carl"}, {"name": "Dora"}],
    ),
    answered(
        name="either of two",
        request="GET /author?select=id,book!author(),life()&or=(book.not.is.null,life.not.is.null)&book.pages=gt.50&order=id",
        answer=[{"id": 1}, {"id": 2}],
    ),
    answered(
        name="order by a column of the other table, even one that is not answered",
        request="GET /book?select=id,by:author!book_author_fkey(id)&order=by(name).desc.nullslast,id",
        answer=[
            {"id": 2, "by": {"id": 2}},
            {"id": 3, "by": {"id": 2}},
            {"id": 1, "by": {"id": 1}},
            {"id": 4, "by": None},
        ],
    ),
    answered(
        name="the count of rows that have some",
        request="GET /rest/v1/author?select=id,life!inner()&limit=1&order=id",
        headers={"Prefer": "count=exact"},
        status=206,
        answer=[{"id": 1}],
        shows={"content-range": "0-0/2"},
    ),
    answered(
        name="columns of one row among the row's own",
        request="GET /book?select=title,...author!book_author_fkey(by:name,...life(born))&order=id&limit=1",
        answer=[{"title": "Notes", "by": "Ada", "born": "1815-12-10"}],
    ),
    answered(
        name="columns of many rows as lists",
        request="GET /book?select=id,...tag(word,tags:id)&order=id&tag.order=word&id=in.(2,4)",
        answer=[{"id": 2, "word": ["faith", "logic"], "tags": [2, 1]}, {"id": 4, "word": [], "tags": []}],
    ),
    setup=LIBRARY,
)

test_what_writes_answer = scenarios(
    answered(
        name="a new row with its relations",
        request="POST /book?select=title,author!book_author_fkey(name),reviewer(name),tag(word)",
        json={"id": 9, "title": "New", "author": 4, "pages": 1},
        status=201,
        answer={"title": "New", "author": {"name": "Dora"}, "reviewer": None, "tag": []},
    ),
    answered(
        name="removed rows, in an order",
        request="DELETE /label?book=2&select=tag(word)&order=tag.desc",
        answer=[{"tag": {"word": "faith"}}, {"tag": {"word": "logic"}}],
    ),
    answered(
        name="changed rows, in an order",
        request="PATCH /rest/v1/book?author=eq.2&select=id,author!book_author_fkey(initial)&order=id.desc",
        headers={"Prefer": "return=representation"},
        json={"pages": 7},
        status=200,
        answer=[{"id": 3, "author": {"initial": "B"}}, {"id": 2, "author": {"initial": "B"}}],
    ),
    setup=LIBRARY,
)

VAULT = """
create table vault (id int primary key, book int references book, code text);
insert into vault values (1, 1, 'swordfish');
grant select on vault to anon, authenticated;
create table safe (id int primary key, book int references book, code text);
insert into safe values (1, 1, 'swordfish');
alter table safe enable row level security;
create policy everybody on safe using (true);
"""

test_access = scenarios(
    answered(
        name="an embedded table without row level security",
        request="GET /book?select=vault(code)",
        status=403,
        statements=0,
    ),
    answered(
        name="an embedded table without a grant",
        request="GET /rest/v1/book?select=safe(code)",
        status=401,
        statements=1,
    ),
    answered(
        name="a slip of the pen tells no name",
        request="GET /rest/v1/book?select=saf(code)",
        status=400,
        statements=0,
        lacks=("safe", "vault!"),
    ),
    answered(
        name="nor does a column's",
        request="GET /rest/v1/book?select=safe(cod)",
        status=401,
        lacks=("safe.code",),
        statements=0,
    ),
    setup=LIBRARY + VAULT,
    production=True,
    lacks=("swordfish",),
)

test_partial_grants = scenarios(
    answered(
        name="everything is what one may read",
        request="GET /staff",
        status=200,
        answer=[{"id": 1, "name": "Ada"}],
        statements=1,
    ),
    answered(name="as PostgREST refuses it", request="GET /rest/v1/staff", status=401, contains=("42501",)),
    answered(
        name="a column that is not there",
        request="GET /rest/v1/staff?select=id&salaries=gt.1",
        status=401,
        contains=('"message":"permission denied for table staff"', '"code":"42501"', '"hint":null'),
        statements=0,
    ),
    answered(
        name="a column that may not be read",
        request="GET /rest/v1/staff?select=id&salary=gt.1",
        status=401,
        contains=('"message":"permission denied for table staff"', '"code":"42501"', '"hint":null'),
        shows={"www-authenticate": "Bearer"},
    ),
    setup=PARTLY_GRANTED,
    lacks=("5000",),
)
