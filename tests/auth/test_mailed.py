"""What mails prove: read from the inbox page, as a person would in development."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from pellucid.auth.options import AccountOptions
from pellucid.auth.service import Accounts

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
SITE = "https://api.example.org"
HOST = {"Origin": "http://127.0.0.1"}


@pytest.fixture
def options() -> AccountOptions:
    return AccountOptions(limit_addresses=False, verify_email=True, public_url=SITE)


@dataclass(frozen=True)
class Read:
    """A mail as its reader sees it."""

    subject: str
    text: str

    @property
    def code(self) -> str:
        return str(re.findall(r"\b\d{6}\b", self.text)[0])

    @property
    def link(self) -> httpx.URL:
        return httpx.URL(re.findall(r"https?://\S+/verify\?\S+", self.text)[0])

    @property
    def token(self) -> str:
        return self.link.params["token"]


Mails = Callable[[str], Awaitable[list[Read]]]


@pytest.fixture
def mails(client: httpx.AsyncClient, accounts: Accounts) -> Mails:
    async def mails(address: str) -> list[Read]:
        """The mails to an address, the newest first."""
        await accounts.outbox.empty()
        shown = (await client.get("/inbox", params={"to": address})).json()
        return [Read(mail["subject"], mail["text"]) for mail in shown]

    return mails


@pytest.fixture
async def ada(client: httpx.AsyncClient, mails: Mails) -> dict[str, Any]:
    """A session of an account that has proved its address."""
    await client.post("/signup", json=ADA)
    (mail,) = await mails("ada@example.com")
    return dict((await client.post("/verify", json={"token": mail.token})).json())


def bearing(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


# -- verification ----------------------------------------------------------------------------------------------------


async def test_nobody_signs_in_before_the_address_is_verified(client: httpx.AsyncClient, mails: Mails) -> None:
    answer = await client.post("/signup", json=ADA)
    assert (answer.status_code, set(answer.json())) == (202, {"message"})
    refused = await client.post("/login", json=ADA)
    assert (refused.status_code, refused.json()["code"]) == (403, "email-not-verified")
    assert (await client.post("/login", json=ADA | {"password": "a wrong password"})).status_code == 401
    (mail,) = await mails("ada@example.com")
    assert str(mail.link).startswith(f"{SITE}/verify?token=")
    proved = await client.post("/verify", json={"token": mail.token})
    assert proved.status_code == 200
    assert proved.json()["user"]["email_verified_at"] is not None
    assert (await client.post("/login", json=ADA)).status_code == 200


async def test_a_link_is_never_built_from_the_host_of_a_request(client: httpx.AsyncClient, mails: Mails) -> None:
    evil = {"X-Forwarded-Host": "evil.example.com", "Forwarded": "host=evil.example.com"}
    await client.post("/signup", json=ADA, headers=evil)
    (mail,) = await mails("ada@example.com")
    assert "evil" not in mail.text
    assert mail.link.host == "api.example.org"


@pytest.mark.parametrize("how", ["token", "code"])
async def test_what_a_mail_brought_is_good_once(client: httpx.AsyncClient, mails: Mails, how: str) -> None:
    await client.post("/signup", json=ADA)
    (mail,) = await mails("ada@example.com")
    proof = {"token": mail.token} if how == "token" else {"email": " ADA@example.com", "code": mail.code}
    answers = await asyncio.gather(*(client.post("/verify", json=proof) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9
    assert {answer.json()["code"] for answer in answers if answer.status_code == 401} == {"proof-refused"}


async def test_a_code_dies_of_wrong_attempts(client: httpx.AsyncClient, mails: Mails) -> None:
    await client.post("/signup", json=ADA)
    (mail,) = await mails("ada@example.com")
    wrong = f"{(int(mail.code) + 1) % 1_000_000:06}"
    answers = await asyncio.gather(
        *(client.post("/verify", json={"email": "ada@example.com", "code": wrong}) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {401}
    late = await client.post("/verify", json={"email": "ada@example.com", "code": mail.code})
    assert (late.status_code, late.json()["code"]) == (401, "proof-refused")
    assert (await client.post("/verify", json={"token": mail.token})).status_code == 200


async def test_a_code_is_too_old_after_ten_minutes(
    client: httpx.AsyncClient, mails: Mails, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    (mail,) = await mails("ada@example.com")
    await admin.execute("update auth.one_time_tokens set created_at = created_at - interval '601 seconds'")
    assert (await client.post("/verify", json={"email": "ada@example.com", "code": mail.code})).status_code == 401


async def test_a_newer_mail_makes_an_older_one_worthless(client: httpx.AsyncClient, mails: Mails) -> None:
    await client.post("/signup", json=ADA)
    (old,) = await mails("ada@example.com")
    await client.post("/verify/mail", json={"email": "ada@example.com"})
    new, _ = await mails("ada@example.com")
    assert (await client.post("/verify", json={"token": old.token})).status_code == 401
    assert (await client.post("/verify", json={"token": new.token})).status_code == 200


async def test_a_proof_for_one_thing_is_none_for_another(
    client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails
) -> None:
    await client.post("/password/recovery", json={"email": "ada@example.com"})
    mail = (await mails("ada@example.com"))[0]
    for path in ("/verify", "/email/agree"):
        assert (await client.post(path, json={"token": mail.token})).status_code == 401
    assert (
        await client.post("/password/reset", json={"token": mail.token, "password": "of silver now"})
    ).status_code == 204


# -- known and unknown alike ------------------------------------------------------------------------------------------


async def test_a_known_address_is_told_so_by_mail_alone(
    client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails
) -> None:
    known = await client.post("/signup", json=ADA | {"password": "somebody else's"})
    unknown = await client.post("/signup", json=ADA | {"email": "grace@example.com"})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert (await mails("ada@example.com"))[0].subject == "You have an account already"
    assert (await client.post("/login", json=ADA)).status_code == 200
    assert (await client.post("/login", json=ADA | {"password": "somebody else's"})).status_code == 401


@pytest.mark.parametrize("path", ["/password/recovery", "/login/mail", "/verify/mail"])
async def test_asking_for_a_mail_says_and_does_the_same_for_everybody(
    client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails, path: str, statements: list[str]
) -> None:
    seen = set()
    for address in ("ada@example.com", "nobody@example.com", "no address", ""):
        statements.clear()
        answer = await client.post(path, json={"email": address})
        seen.add((answer.status_code, answer.text, tuple(statements)))
    assert len(seen) == 1
    assert await mails("nobody@example.com") == []


async def test_sign_up_does_the_same_for_everybody(
    client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails, statements: list[str]
) -> None:
    await mails("ada@example.com")
    seen = set()
    for address in ("ada@example.com", "grace@example.com"):
        statements.clear()
        answer = await client.post("/signup", json=ADA | {"email": address})
        seen.add((answer.status_code, answer.text, tuple(statements)))
    assert len(seen) == 1


# -- sign-in by mail -------------------------------------------------------------------------------------------------


async def test_a_mail_signs_in(client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails) -> None:
    await client.post("/login/mail", json={"email": "ada@example.com"})
    mail = (await mails("ada@example.com"))[0]
    answer = await client.post("/verify", json={"email": "ada@example.com", "code": mail.code})
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, ada["user"]["id"])


async def test_whoever_proves_the_address_first_does_not_inherit_a_strangers_password(
    client: httpx.AsyncClient, mails: Mails
) -> None:
    await client.post("/signup", json=ADA | {"password": "of a stranger"})
    await client.post("/login/mail", json={"email": "ada@example.com"})
    mail = next(mail for mail in await mails("ada@example.com") if mail.subject == "Your way in")
    assert (await client.post("/verify", json={"token": mail.token})).status_code == 200
    assert (await client.post("/login", json=ADA | {"password": "of a stranger"})).status_code == 401


# -- passwords -------------------------------------------------------------------------------------------------------


async def test_a_forgotten_password_is_replaced_and_all_sessions_end(
    client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails
) -> None:
    await client.post("/password/recovery", json={"email": "ada@example.com"})
    mail = (await mails("ada@example.com"))[0]
    weak = await client.post("/password/reset", json={"token": mail.token, "password": "short"})
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "password")
    reset = {"token": mail.token, "password": "an engine of silver"}
    assert (await client.post("/password/reset", json=reset)).status_code == 204
    assert (await client.post("/password/reset", json=reset)).status_code == 401
    assert (await client.get("/users/me", headers=bearing(ada))).status_code == 401
    assert (await client.post("/login", json=ADA)).status_code == 401
    assert (await client.post("/login", json=ADA | {"password": "an engine of silver"})).status_code == 200
    assert (await mails("ada@example.com"))[0].subject == "The password of your account was changed"


async def test_a_password_is_changed_by_whoever_knows_it_and_other_sessions_end(
    client: httpx.AsyncClient, ada: dict[str, Any]
) -> None:
    other = (await client.post("/login", json=ADA)).json()
    change = {"old": ADA["password"], "new": "an engine of silver"}
    wrong = await client.put("/password", json=change | {"old": "a wrong one"}, headers=bearing(ada))
    assert wrong.status_code == 401
    assert (await client.put("/password", json=change, headers=bearing(ada))).status_code == 204
    assert (await client.get("/users/me", headers=bearing(ada))).status_code == 200
    assert (await client.get("/users/me", headers=bearing(other))).status_code == 401
    assert (await client.post("/login", json=ADA | {"password": "an engine of silver"})).status_code == 200


async def test_a_second_factor_is_asked_for_before_what_matters(
    client: httpx.AsyncClient, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    await admin.execute(
        "insert into auth.factors (user_id, kind, verified_at) select id, 'totp', now() from auth.users"
    )
    change = {"old": ADA["password"], "new": "an engine of silver"}
    for path, body in (("/password", change), ("/email", {"email": "countess@example.com"})):
        answer = await client.put(path, json=body, headers=bearing(ada))
        assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")


# -- the change of an address ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["ada@example.com", "countess@example.com"])
async def test_both_sides_agree_to_a_change_of_address(
    client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails, first: str
) -> None:
    asked = await client.put("/email", json={"email": "countess@example.com"}, headers=bearing(ada))
    assert asked.status_code == 202
    second = ({"ada@example.com", "countess@example.com"} - {first}).pop()
    for address, changed in ((first, False), (second, True)):
        mail = (await mails(address))[0]
        answer = await client.post("/email/agree", json={"token": mail.token})
        assert (answer.status_code, answer.json()) == (200, {"changed": changed})
    me = (await client.get("/users/me", headers=bearing(ada))).json()
    assert me["email"] == "countess@example.com"
    assert (await mails("ada@example.com"))[0].subject == "The address of your account was changed"


async def test_an_address_of_somebody_else_is_not_taken_over(
    client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails
) -> None:
    await client.post("/signup", json=ADA | {"email": "grace@example.com"})
    before = len(await mails("grace@example.com"))
    assert (await client.put("/email", json={"email": "grace@example.com"}, headers=bearing(ada))).status_code == 202
    assert len(await mails("grace@example.com")) == before


# -- the page behind the links ----------------------------------------------------------------------------------------


async def test_the_page_of_a_link_changes_nothing_until_its_button_is_pressed(
    client: httpx.AsyncClient, mails: Mails
) -> None:
    await client.post("/signup", json=ADA)
    (mail,) = await mails("ada@example.com")
    path = mail.link.raw_path.decode()
    for _ in range(2):
        shown = await client.get(path)
        assert shown.status_code == 200
        assert "form-action 'self'" in shown.headers["content-security-policy"]
        assert shown.headers["cache-control"] == "no-store"
    assert (await client.post("/login", json=ADA)).status_code == 403
    form = {"token": mail.token, "purpose": "verify"}
    assert (await client.post("/verify/link", data=form)).status_code == 403
    assert (await client.post("/verify/link", data=form, headers=HOST)).status_code == 200
    assert (await client.post("/login", json=ADA)).status_code == 200


async def test_the_page_escapes_what_is_in_its_address(client: httpx.AsyncClient) -> None:
    shown = await client.get("/verify", params={"token": "'><script>alert(1)</script>", "purpose": "verify"})
    assert "<script>" not in shown.text
    assert (await client.get("/verify", params={"purpose": "<script>"})).status_code == 200


async def test_the_page_sets_a_forgotten_password(client: httpx.AsyncClient, ada: dict[str, Any], mails: Mails) -> None:
    await client.post("/password/recovery", json={"email": "ada@example.com"})
    mail = (await mails("ada@example.com"))[0]
    assert "type=password" in (await client.get(mail.link.raw_path.decode())).text
    form = {"token": mail.token, "purpose": "recover", "password": "short"}
    assert (await client.post("/verify/link", data=form, headers=HOST)).status_code == 422
    form["password"] = "an engine of silver"
    assert (await client.post("/verify/link", data=form, headers=HOST)).status_code == 200
    assert (await client.post("/login", json=ADA | {"password": "an engine of silver"})).status_code == 200


async def test_the_inbox_is_a_page_too(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    shown = await client.get("/inbox", headers={"Accept": "text/html"})
    assert "<h2>Is this your address?</h2>" in shown.text
    assert f"href=&#x27;{SITE}" not in shown.text
    assert f"href='{SITE}/verify?" in shown.text
