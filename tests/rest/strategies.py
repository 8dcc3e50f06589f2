"""Hostile requests, as strategies of hypothesis: anything at all, what looks like a request, and requests that are understood."""

from urllib.parse import quote

from hypothesis import strategies as st

from pellucid.rest.grammar.fields import in_quotes
from pellucid.rest.profile import NATIVE, POSTGREST
from pellucid.rest.request import Method


def encoded(text: str) -> str:
    return quote(text, safe="()*,.:>!\"'", errors="replace")


NASTY = (
    *(
        "'",
        '"',
        ";",
        "--",
        "/*",
        "*/",
        "\\",
        "$1",
        "$$",
        "%",
        "::",
        "->",
        "->>",
        "..",
        "...",
        "*",
        "(",
        ")",
        "{",
        "}",
        ",",
        "!",
        ":",
        "&",
        "=",
    ),
    *(
        "'; drop table canary; --",
        '"; drop table canary; --',
        '" AS x, (select 1) AS "y',
        "') or true --",
        "$$; select 1; $$",
        "E'\\''",
    ),
    *(
        "\x00",
        "\x01",
        "\t",
        "\n",
        "\r\n",
        "\x7f",
        "\u202e",
        "\u2028",
        "\ufeff",
        "é",
        "\U0001f600",
        "ß",
        "İ",
        "a" * 300,
        '"' * 70,
        "\\" * 31,
    ),
    *(
        "null",
        "not.null",
        "count()",
        "count",
        "pg_catalog",
        "public",
        "ctid",
        "xmin",
        "tableoid",
        "t",
        "t1",
        "w",
        "r",
        "pgrst_scalar",
        "@some",
    ),
    *(
        "eq.1",
        "in.(1,2)",
        "not.eq.",
        "is.null",
        "-1",
        "9" * 30,
        "1e999",
        "0x10",
        "NaN",
        "::text",
        "->0",
        "{1,2}",
        "[1,2)",
        "(1,2",
    ),
)
TABLES = ("books", "authors", "labels", "tags", "lives", "shelf", "secrets", "vault", "nothing")
COLUMNS = (
    "id",
    "title",
    "author",
    "editor",
    "pages",
    "colour",
    "name",
    "mentor",
    "facts",
    "initials",
    "word",
    "book",
    "tag",
    "born",
    "code",
)
EMBEDS = (
    *(
        "authors!books_author_fkey",
        "authors!editor",
        "author",
        "editor",
        "authors",
        "books",
        "books!author",
        "bestsellers",
        "reviewer",
    ),
    *("labels", "tags", "tags!labels", "lives", "secrets", "vault", "shelf", "mentor", "authors!mentor"),
)
OPERATORS = (
    *(
        "eq",
        "neq",
        "gt",
        "gte",
        "lt",
        "lte",
        "like",
        "ilike",
        "match",
        "imatch",
        "isdistinct",
        "fts",
        "plfts",
        "phfts",
        "wfts",
        "cs",
        "cd",
    ),
    *("ov", "sl", "sr", "nxr", "nxl", "adj", "eq(any)", "like(all)", "gt(all)", "fts(english)", "wfts(simple)"),
)
CASTS = (
    "text",
    "int4",
    "numeric(10,2)",
    "timestamp with time zone",
    "colour",
    "text[]",
    "regclass",
    "x",
    "double precision",
)
nasty = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=12), st.lists(st.sampled_from(NASTY), max_size=4).map("".join)
)
quoted = nasty.map(in_quotes)
names = st.one_of(st.sampled_from(COLUMNS), quoted, nasty)
paths = st.lists(st.one_of(st.sampled_from(("->a", "->>b", "->0", "->-1")), quoted.map("->{}".format)), max_size=3).map(
    "".join
)
fields = st.tuples(st.sampled_from(COLUMNS), paths).map("".join)
prefixes = st.one_of(st.just(""), st.one_of(quoted, st.sampled_from(COLUMNS)).map("{}:".format))
plain_items = st.one_of(
    st.just("*"),
    st.just("count()"),
    st.tuples(prefixes, fields).map("".join),
    st.tuples(prefixes, fields, st.sampled_from(CASTS)).map("{0[0]}{0[1]}::{0[2]}".format),
    st.tuples(prefixes, fields, st.sampled_from(("count", "sum", "max"))).map("{0[0]}{0[1]}.{0[2]}()".format),
    names,
)  # fmt: skip
items = st.recursive(
    plain_items,
    lambda inner: st.tuples(
        st.one_of(prefixes, st.just("...")),
        st.sampled_from(EMBEDS),
        st.sampled_from(("", "!inner", "!left")),
        st.lists(inner, max_size=3).map(",".join),
    ).map("{0[0]}{0[1]}{0[2]}({0[3]})".format),
    max_leaves=6,
)
selects = st.lists(items, min_size=1, max_size=3).map(",".join)
comparisons = st.one_of(
    st.tuples(st.sampled_from(("", "not.")), st.sampled_from(OPERATORS), nasty).map("{0[0]}{0[1]}.{0[2]}".format),
    st.lists(quoted, max_size=4).map(lambda values: f"in.({','.join(values)})"),
    st.sampled_from(("is.null", "not.is.true", "is.unknown")),
    nasty,
)
trees = st.recursive(
    st.tuples(fields, comparisons).map(".".join),
    lambda inner: st.tuples(st.sampled_from(("and", "or", "not.or")), st.lists(inner, min_size=1, max_size=3).map(",".join)).map(
        "{0[0]}({0[1]})".format
    ),
    max_leaves=5,
)  # fmt: skip
places = st.one_of(st.just(""), st.sampled_from(EMBEDS).map("{}.".format), quoted.map("{}.".format))
parameters = st.one_of(
    selects.map(lambda text: ("select", text)),
    st.tuples(st.tuples(places, fields).map("".join), comparisons),
    st.tuples(names, comparisons),
    st.tuples(places.map("{}order".format), st.lists(st.one_of(fields, names, st.just("author(name)")), max_size=3).map(".desc,".join)),
    st.tuples(places.map("{}or".format), st.lists(trees, min_size=1, max_size=3).map(lambda found: f"({','.join(found)})")),
    st.tuples(st.sampled_from(("limit", "offset", "authors.limit")), st.one_of(st.sampled_from(("0", "1", "-1")), nasty)),
    st.tuples(st.sampled_from(("columns", "on_conflict")), st.lists(names, max_size=3).map(",".join)),
    st.tuples(st.one_of(nasty, st.sampled_from(("number", "more", "words"))), nasty),
)  # fmt: skip
queries = st.one_of(
    st.lists(parameters, max_size=4).map(
        lambda pairs: "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs)
    ),
    st.text(max_size=60),
    st.lists(st.sampled_from((*NASTY, "select=", "&", "or=", "order=", "id", "%ff", "%00", "%", "+")), max_size=12).map(
        "".join
    ),
)
bodies = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.dictionaries(names, st.one_of(nasty, st.none(), st.integers(), st.floats()), max_size=3), max_size=3
    ).map(lambda rows: repr(rows).replace("'", '"').encode(errors="replace")),
    st.lists(st.sampled_from((*NASTY, "id,title\n", "1,2\n", '{"id":', "}", "[", "]", "null", "NULL")), max_size=10)
    .map("".join)
    .map(str.encode),
    st.sampled_from(
        (
            b'{"title":"x"}',
            b'[{"title":"x"},{"id":1}]',
            b"title\nx\n",
            b"title=x",
            b"[]",
            b"{}",
            b"[{}]",
            b'{"number":1}',
            b'{"words":["x"]}',
        )
    ),
)
header_values = st.one_of(
    nasty,
    st.sampled_from(
        ("return=representation", "count=exact", "resolution=merge-duplicates", "missing=default", "handling=strict")
    ),
    st.sampled_from(
        (
            "text/csv",
            "application/json",
            "application/vnd.pgrst.object+json",
            "application/vnd.pgrst.plan+json",
            "0-9",
            "9-0",
        )
    ),
    st.lists(
        st.sampled_from(
            (";", ",", "=", '"', "q=", "/", "*", "application/", "vnd.pgrst.plan", "for=", "options=", "|", " ")
        ),
        max_size=9,
    ).map("".join),
)
headers = st.lists(
    st.tuples(
        st.sampled_from(("prefer", "accept", "range", "content-type", "accept-profile", "content-profile")),
        header_values,
    ),
    max_size=4,
)
segments = st.one_of(st.sampled_from(TABLES), nasty.map(lambda text: quote(text, errors="replace")), nasty)
path_parts = st.one_of(
    segments.map(lambda name: (name,)),
    st.tuples(st.just("rpc"), st.one_of(st.sampled_from(("add", "whole", "found")), segments)),
    st.tuples(segments, st.one_of(segments, st.sampled_from(("1", "1,2")))),
)
methods: st.SearchStrategy[Method] = st.sampled_from(("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"))
profiles = st.sampled_from((NATIVE, POSTGREST))
aliased = st.one_of(st.just(""), quoted.map("{}:".format))
sound_fields = st.one_of(
    st.sampled_from(("id", "name", "mentor", "initials")),
    st.lists(quoted.map("->{}".format), max_size=3).map("".join).map("facts{}".format),
)
sound_items = st.one_of(
    st.tuples(aliased, sound_fields).map("".join),
    st.tuples(aliased, sound_fields, st.sampled_from(CASTS[:5])).map("{0[0]}{0[1]}::{0[2]}".format),
    st.tuples(aliased, st.sampled_from(("count()", "id.sum()"))).map("".join),
    st.tuples(aliased, quoted).map("{0[0]}lives!inner({0[1]}:text)".format),
    st.tuples(aliased, sound_fields).map("{0[0]}authors!mentor({0[1]},...bestsellers(title))".format),
)
sound_values = st.tuples(st.sampled_from(OPERATORS), st.one_of(quoted, st.sampled_from(("{1}", "1")))).map(".".join)
sound_parameters = st.one_of(
    st.tuples(sound_fields, st.tuples(st.sampled_from(OPERATORS), nasty).map(".".join)),
    st.tuples(
        st.just("or"),
        st.lists(st.tuples(sound_fields, sound_values).map(".".join), min_size=1, max_size=3).map(
            lambda found: f"({','.join(found)})"
        ),
    ),
    st.tuples(st.just("order"), st.lists(sound_fields, min_size=1, max_size=2).map(".desc,".join)),
)
sound_selects = st.lists(sound_items, min_size=1, max_size=3).map(",".join)
sound_queries = st.tuples(
    sound_selects.map(lambda text: ("select", text)),
    sound_parameters,
    sound_parameters,
).map(lambda pairs: "&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs))
