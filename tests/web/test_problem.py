"""Errors become responses: their statuses, bodies and headers."""

import json
from typing import Any

import pytest
from starlette.responses import Response

from pellucid.errors import (
    BodyTooLarge,
    DatabaseError,
    Denied,
    Duplicate,
    Fault,
    InvalidFields,
    MethodNotAllowed,
    PellucidError,
    PoolExhausted,
    StatementRefused,
    Unauthenticated,
    Unavailable,
    UnknownTable,
)
from pellucid.web.problem import Audience, render
from pellucid.web.style import ErrorStyle, style_of

PEOPLE = Audience(ErrorStyle.PROBLEM, request_id="r-1")
PRODUCTION = Audience(ErrorStyle.PROBLEM, request_id="r-1", production=True)
CLIENTS = Audience(ErrorStyle.POSTGREST, request_id="r-1")

TAKEN = Duplicate(
    'duplicate key value violates unique constraint "users_email_key"',
    sqlstate="23505",
    details="Key (email)=(a@example.com) already exists.",
    faults=(Fault("email", "Another row has this email already.", "Choose another email."),),
    postgrest_status=409,
)


def body_of(response: Response) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(bytes(response.body))
    return body


def test_a_problem_has_all_its_members_in_reading_order() -> None:
    error = InvalidFields(
        "Not valid: age.", hint="Mend it.", faults=(Fault("age", "Must be a number.", "Send a number."),)
    )
    response = render(error, PEOPLE)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert list(body_of(response).items()) == [
        ("type", "/docs/errors/invalid-fields"),
        ("title", "Some fields are not valid"),
        ("status", 422),
        ("detail", "Not valid: age."),
        ("code", "invalid-fields"),
        ("hint", "Mend it."),
        ("errors", [{"field": "age", "message": "Must be a number.", "hint": "Send a number."}]),
        ("request_id", "r-1"),
    ]


def test_every_problem_has_a_way_out() -> None:
    assert body_of(render(UnknownTable("No table a."), PEOPLE))["hint"] == UnknownTable.way_out


def test_the_type_respects_the_prefix_of_a_proxy() -> None:
    audience = Audience(ErrorStyle.PROBLEM, prefix="/api")
    assert body_of(render(UnknownTable("No."), audience))["type"] == "/api/docs/errors/unknown-table"


def test_what_the_database_refused_is_said_in_plain_words_and_in_its_own() -> None:
    body = body_of(render(TAKEN, PEOPLE))
    assert body["detail"] == "Another row has this email already."
    assert body["hint"] == "Choose another email."
    assert body["database"] == {
        "sqlstate": "23505",
        "message": 'duplicate key value violates unique constraint "users_email_key"',
        "details": "Key (email)=(a@example.com) already exists.",
    }


def test_production_keeps_the_rows_that_postgresql_quotes() -> None:
    body = body_of(render(TAKEN, PRODUCTION))
    assert body["detail"] == "Another row has this email already."
    assert body["database"] == {"sqlstate": "23505", "message": TAKEN.message}
    assert "a@example.com" not in str(body)


def test_what_concerns_no_field_is_told_once() -> None:
    refused = Fault("", "Permission denied for table t.", "Sign in.")
    body = body_of(render(Denied("permission denied for table t", sqlstate="42501", faults=(refused,)), PEOPLE))
    assert (body["detail"], body["hint"]) == (refused.message, refused.hint)
    assert "errors" not in body


def test_production_keeps_what_goes_wrong_inside_of_the_database() -> None:
    error = DatabaseError("could not read block 7 of relation pg_toast", sqlstate="XX001", hint="Look at the disk.")
    body = body_of(render(error, PRODUCTION))
    assert "block 7" not in str(body)
    assert "disk" not in str(body)
    assert body["database"] == {"sqlstate": "XX001"}


# -- PostgREST --------------------------------------------------------------------------------------------------------


def test_postgrest_bodies_are_faithful_to_the_byte() -> None:
    response = render(UnknownTable("Could not find the table 'test.non_existent_table' in the schema cache"), CLIENTS)
    assert response.body == (
        b'{"code":"PGRST205","details":null,"hint":null,'
        b'"message":"Could not find the table \'test.non_existent_table\' in the schema cache"}'
    )
    assert response.headers["content-length"] == "129"
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["proxy-status"] == "PostgREST; error=PGRST205"
    assert "cache-control" not in response.headers


def test_postgrest_bodies_carry_what_postgresql_said() -> None:
    response = render(TAKEN, CLIENTS)
    assert response.status_code == 409
    assert body_of(response) == {
        "code": "23505",
        "details": "Key (email)=(a@example.com) already exists.",
        "hint": None,
        "message": 'duplicate key value violates unique constraint "users_email_key"',
    }
    assert response.headers["proxy-status"] == "PostgREST; error=23505"


def test_postgrest_escapes_text_as_haskell_does() -> None:
    error = UnknownTable('quote " back \\ line \n tab \t bell \x07 page \x0c ümlaut € 🐘 \x7f </script>')
    assert bytes(render(error, CLIENTS).body).decode() == (
        '{"code":"PGRST205","details":null,"hint":null,"message":'
        '"quote \\" back \\\\ line \\n tab \\t bell \\u0007 page \\u000c ümlaut € 🐘 \x7f </script>"}'
    )


@pytest.mark.parametrize(
    ("error", "native", "postgrest"),
    [
        (InvalidFields("x"), 422, 400),
        (PoolExhausted("x"), 503, 504),
        (BodyTooLarge("x"), 413, 413),
        (Denied("x", sqlstate="42501", postgrest_status=403), 403, 403),
        (StatementRefused("x", sqlstate="42P01", postgrest_status=404), 400, 404),
        (DatabaseError("x", sqlstate="XX000"), 500, 500),
    ],
)
def test_each_style_has_its_statuses(error: PellucidError, native: int, postgrest: int) -> None:
    assert render(error, PEOPLE).status_code == native
    assert render(error, CLIENTS).status_code == postgrest


def test_bad_fields_are_told_to_postgrest_clients_too() -> None:
    error = InvalidFields("Not valid.", faults=(Fault("a", "bad"), Fault("", "worse")))
    assert body_of(render(error, CLIENTS))["details"] == "a: bad; worse"


# -- headers ----------------------------------------------------------------------------------------------------------


def test_a_challenge_names_an_error_only_to_those_who_showed_a_token() -> None:
    error = Unauthenticated('The "token" is \\ no good: ü\r\nX-Evil: 1')
    assert render(error, PEOPLE).headers["www-authenticate"] == "Bearer"
    shown = Audience(ErrorStyle.PROBLEM, presented=True)
    assert render(error, shown).headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The \\"token\\" is \\\\ no good: ???X-Evil: 1"'
    )


def test_an_error_brings_its_own_headers() -> None:
    assert render(MethodNotAllowed("No.", headers={"Allow": "GET, POST"}), PEOPLE).headers["allow"] == "GET, POST"
    assert (
        render(Unauthenticated("No.", headers={"www-authenticate": "Own"}), PEOPLE).headers["www-authenticate"] == "Own"
    )


def test_headers_that_a_function_in_the_database_chose_cannot_split_or_reframe_the_response() -> None:
    chosen = {
        "X-Good": "1",
        "X-Bad": "1\r\nSet-Cookie: a=b",
        "Bad Name": "1",
        "X-Wide": "€",
        "Content-Length": "5",
        "content-type": "text/html",
    }
    response = render(StatementRefused("x", sqlstate="PT418", headers=chosen), PEOPLE)
    assert response.headers["x-good"] == "1"
    assert not {"x-bad", "bad name", "x-wide", "set-cookie"} & set(response.headers)
    assert int(response.headers["content-length"]) == len(response.body)
    assert response.headers["content-type"] == "application/problem+json"


def test_unavailable_says_when_to_come_back() -> None:
    assert render(Unavailable("Not now."), PEOPLE).headers["retry-after"] == "1"
    assert render(Unavailable("Not now.", headers={"Retry-After": "7"}), PEOPLE).headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("path", "root", "style"),
    [
        ("/rest/v1", "", ErrorStyle.POSTGREST),
        ("/rest/v1/people", "", ErrorStyle.POSTGREST),
        ("/rest/v10/people", "", ErrorStyle.PROBLEM),
        ("/people", "", ErrorStyle.PROBLEM),
        ("/rest", "", ErrorStyle.PROBLEM),
        ("/api/rest/v1/people", "/api", ErrorStyle.POSTGREST),
    ],
)
def test_the_path_decides_about_the_style(path: str, root: str, style: ErrorStyle) -> None:
    assert style_of({"path": path, "root_path": root}, ("/rest/v1",)) is style
