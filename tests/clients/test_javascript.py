"""PostgREST's official JavaScript client against a running server."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.process.serving import PATIENCE

HERE = Path(__file__).with_name("javascript")
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        shutil.which("node") is None, reason="Node.js is not installed (Debian: apt install nodejs npm)"
    ),
    pytest.mark.skipif(
        not (HERE / "node_modules").exists(),
        reason="The JavaScript client is not installed (npm install --prefix tests/clients/javascript)",
    ),
]
Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def answers(library: str) -> Answers:
    """What the client got, question by question, in the order in which they stand in ask.mjs."""
    asked = subprocess.run(
        ["node", "ask.mjs", library], cwd=HERE, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert asked.returncode == 0, asked.stderr
    found: Answers = json.loads(asked.stdout)
    return found


DATA = [
    ("all columns", [{"id": 1, "name": "novel"}, {"id": 2, "name": "philosophy"}]),
    ("renamed, cast and from JSON", [{"name": "Solaris", "year": "1961", "lang": "pl"}]),
    ("comparisons", [{"id": 1}]),
    ("in", [{"id": 1}, {"id": 3}]),
    ("is", [{"id": 3}]),
    ("not", [{"id": 1}, {"id": 2}]),
    ("like", [{"id": 1}, {"id": 2}]),
    ("like any of", [{"id": 2}, {"id": 3}]),
    ("or", [{"id": 1}, {"id": 3}]),
    ("contains", [{"id": 3}]),
    ("contains JSON", [{"id": 3}]),
    ("overlaps", [{"id": 1}, {"id": 2}]),
    ("ranges", [{"id": 1}, {"id": 2}]),
    ("text search", [{"id": 2}]),
    ("match", [{"title": "Solaris"}]),
    ("order and range", [{"id": 1}, {"id": 2}]),
    ("single", {"title": "The Dispossessed"}),
    ("maybe single", None),
    ("CSV", "id,name\n1,novel\n2,philosophy"),
    ("no nulls", [{"id": 3}]),
    ("to one", [{"title": "Solaris", "authors": {"name": "Stanislaw"}}]),
    (
        "to many",
        [
            {"name": "Ursula", "books": [{"title": "The Dispossessed"}, {"title": "The Lathe of Heaven"}]},
            {"name": "Stanislaw", "books": [{"title": "Solaris"}]},
            {"name": "Nobody", "books": []},
        ],
    ),
    ("many to many", [{"name": "philosophy", "books": [{"id": 3}]}]),
    ("inner", [{"name": "Stanislaw", "books": [{"title": "Solaris"}]}]),
    ("limited embed", [{"name": "Ursula", "books": [{"title": "The Lathe of Heaven"}]}]),
    ("spread", [{"title": "Solaris", "author": "Stanislaw"}]),
    ("anti-join", [{"name": "Nobody"}]),
    ("order by the other", [{"id": 3}, {"id": 1}, {"id": 2}]),
    ("computed", [{"shelf": "shelf 197"}]),
    ("insert", None),
    ("insert and select", [{"id": 11}, {"id": 12}]),
    ("insert with an embed", {"title": "Eden", "authors": {"name": "Stanislaw"}}),
    ("upsert", {"id": 10, "name": "essays"}),
    ("ignored", []),
    ("defaults", [{"book_id": 1, "reader": "anon"}, {"book_id": 2, "reader": "ada"}]),
    ("update", [{"id": 12, "name": "drama"}]),
    ("delete", None),
    ("call", 5),
    ("call by GET", 5),
    ("call with a default", "hello you"),
    ("call for rows", [{"title": "The Lathe of Heaven", "authors": {"name": "Ursula"}}]),
    ("call for nothing", None),
]


@pytest.mark.parametrize(("question", "data"), DATA, ids=[question for question, _ in DATA])
def test_what_the_client_gets(answers: Answers, question: str, data: object) -> None:
    answer = answers[question]
    assert answer["error"] is None
    assert answer["data"] == data


@pytest.mark.parametrize(
    ("question", "status"),
    [("insert", 201), ("insert and select", 201), ("upsert", 200), ("delete", 204), ("call for nothing", 204)],
)
def test_the_status(answers: Answers, question: str, status: int) -> None:
    assert answers[question]["status"] == status


@pytest.mark.parametrize(("question", "count"), [("count", 3), ("count alone", 3), ("delete", 3)])
def test_the_count(answers: Answers, question: str, count: int) -> None:
    assert answers[question]["count"] == count


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("not single", 406, "PGRST116"),
        ("too many", 400, "PGRST124"),
        ("duplicate", 409, "23505"),
        ("call what refuses", 402, "PT402"),
        ("call what is not there", 404, "PGRST202"),
        ("unknown table", 404, "PGRST205"),
        ("unknown relationship", 400, "PGRST200"),
    ],
)
def test_the_errors(answers: Answers, question: str, status: int, code: str) -> None:
    assert (answers[question]["status"], answers[question]["error"]["code"]) == (status, code)


def test_the_words_of_an_error(answers: Answers) -> None:
    assert answers["call what refuses"]["error"] == {
        "code": "PT402", "message": "Payment required", "details": "Quota exceeded", "hint": "Upgrade your plan",
    }  # fmt: skip
    assert (
        answers["call what is not there"]["error"]["hint"]
        == "Perhaps you meant to call the function public.books_after"
    )
    assert answers["unknown table"]["error"]["hint"] == "Perhaps you meant the table 'public.books'"


def test_every_question_has_an_answer(answers: Answers) -> None:
    judged = {question for question, _ in DATA} | {"count", "count alone"}
    errors = {
        "not single",
        "too many",
        "duplicate",
        "call what refuses",
        "call what is not there",
        "unknown table",
        "unknown relationship",
    }
    assert answers.keys() == judged | errors
