// Asks a server, with the official client, what the Python test wants to know; prints the answers as one JSON object.
import { PostgrestClient } from "@supabase/postgrest-js";

const db = new PostgrestClient(process.argv[2]);

const questions = {
  "all columns": () => db.from("genres").select().order("id"),
  "renamed, cast and from JSON": () => db.from("books").select("name:title, year::text, lang:extra->>language").eq("id", 3),
  "comparisons": () => db.from("books").select("id").gt("year", 1961).lte("price", 10.5).neq("id", 2).order("id"),
  "in": () => db.from("books").select("id").in("title", ["Solaris", "The Dispossessed"]).order("id"),
  "is": () => db.from("books").select("id").is("printed", null),
  "not": () => db.from("books").select("id").not("printed", "is", null).order("id"),
  "like": () => db.from("books").select("id").like("title", "The%").order("id"),
  "like any of": () => db.from("books").select("id").likeAnyOf("title", ["%Lathe%", "Sol%"]).order("id"),
  "or": () => db.from("books").select("id").or("year.lt.1965,and(price.gt.10,tags.cs.{moon})").order("id"),
  "contains": () => db.from("books").select("id").contains("tags", ["ocean"]),
  "contains JSON": () => db.from("books").select("id").contains("extra", { language: "pl" }),
  "overlaps": () => db.from("books").select("id").overlaps("tags", ["moon", "dream"]).order("id"),
  "ranges": () => db.from("books").select("id").rangeAdjacent("printed", "[1972-01-01,1974-01-01)").order("id"),
  "text search": () => db.from("books").select("id").textSearch("title", "heaven & lathe", { config: "english" }),
  "match": () => db.from("books").select("title").match({ author_id: 2, year: 1961 }),
  "order and range": () => db.from("books").select("id").order("price", { ascending: false }).range(0, 1),
  "count": () => db.from("books").select("id", { count: "exact" }).limit(1).order("id"),
  "count alone": () => db.from("books").select("*", { count: "exact", head: true }),
  "single": () => db.from("books").select("title").eq("id", 1).single(),
  "maybe single": () => db.from("books").select("title").eq("id", 99).maybeSingle(),
  "not single": () => db.from("books").select("title").single(),
  "CSV": () => db.from("genres").select("id,name").order("id").csv(),
  "no nulls": () => db.from("books").select("id,printed").eq("id", 3).stripNulls(),
  "to one": () => db.from("books").select("title, authors(name)").eq("id", 3),
  "to many": () => db.from("authors").select("name, books(title)").order("id").order("title", { referencedTable: "books" }),
  "many to many": () => db.from("genres").select("name, books(id)").eq("id", 2),
  "inner": () => db.from("authors").select("name, books!inner(title)").eq("books.year", 1961),
  "limited embed": () => db.from("authors").select("name, books(title)").eq("id", 1)
    .order("year", { referencedTable: "books" }).limit(1, { referencedTable: "books" }),
  "spread": () => db.from("books").select("title, ...authors(author:name)").eq("id", 3),
  "anti-join": () => db.from("authors").select("name, books()").is("books", null),
  "order by the other": () => db.from("books").select("id, authors()").order("authors(name)").order("id"),
  "computed": () => db.from("books").select("shelf").eq("id", 1),
  "insert": () => db.from("genres").insert({ id: 10, name: "essay" }),
  "insert and select": () => db.from("genres").insert([{ id: 11, name: "poem" }, { id: 12, name: "play" }]).select("id"),
  "insert with an embed": () => db.from("books").insert({ id: 20, title: "Eden", author_id: 2 }).select("title, authors(name)").single(),
  "upsert": () => db.from("genres").upsert({ id: 10, name: "essays" }).select().single(),
  "ignored": () => db.from("genres").upsert({ id: 10, name: "nothing" }, { ignoreDuplicates: true }).select(),
  "defaults": () => db.from("loans").insert([{ book_id: 1 }, { book_id: 2, reader: "ada" }], { defaultToNull: false }).select("book_id, reader"),
  "update": () => db.from("genres").update({ name: "drama" }).eq("id", 12).select(),
  "too many": () => db.from("genres").update({ name: "x" }).gt("id", 10).maxAffected(1),
  "delete": () => db.from("genres").delete({ count: "exact" }).gte("id", 10),
  "duplicate": () => db.from("genres").insert({ id: 1, name: "again" }),
  "call": () => db.rpc("add", { a: 2, b: 3 }),
  "call by GET": () => db.rpc("add", { a: 2, b: 3 }, { get: true }),
  "call with a default": () => db.rpc("hello"),
  "call for rows": () => db.rpc("books_after", { after: 1970 }).select("title, authors(name)").order("year").limit(1),
  "call for nothing": () => db.rpc("lend", { book: 3 }),
  "call what refuses": () => db.rpc("refuse"),
  "call what is not there": () => db.rpc("books_aftr", { after: 1970 }),
  "unknown table": () => db.from("bocks").select(),
  "unknown relationship": () => db.from("genres").select("*, authors(*)"),
};

const answers = {};
for (const [name, ask] of Object.entries(questions)) {
  const { data, error, count, status } = await ask();
  answers[name] = { data, count, status, error: error && { code: error.code, message: error.message, details: error.details, hint: error.hint } };
}
console.log(JSON.stringify(answers));
