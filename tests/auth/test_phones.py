"""Phone numbers: asked for, proved with what a text message brought, stored; and who sends these messages."""

import re
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import asyncpg
import httpx
import pytest

from pellucid.auth.options import AccountOptions
from pellucid.auth.phones import normal
from pellucid.auth.service import Accounts
from pellucid.auth.tokens import Tokens
from tests.auth.apps import ADA, OTHER_ID, App, bearing, claims, events, login

NUMBER = "+442079460123"
OTHER = "+4915112345678"


@dataclass
class Recorder:
    """A messenger of an application, which may be out of order."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    fault: Exception | None = None

    async def send(self, number: str, text: str) -> None:
        self.sent.append((number, text))
        if self.fault is not None:
            raise self.fault

    @property
    def code(self) -> str:
        return str(re.findall(r"\b\d{6}\b", self.sent[-1][1])[0])


@pytest.fixture
def recorder(accounts: Accounts) -> Recorder:
    accounts.phones.messenger = recorder = Recorder()
    return recorder


async def ask(client: httpx.AsyncClient, session: dict[str, Any], number: str = NUMBER) -> httpx.Response:
    return await client.put("/phone", json={"phone": number}, headers=bearing(session))


async def prove(client: httpx.AsyncClient, session: dict[str, Any], code: str) -> httpx.Response:
    return await client.post("/phone/verify", json={"code": code}, headers=bearing(session))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+44 20 7946-0123", NUMBER),
        ("+4915112345678", OTHER),
        ("+6834000", "+6834000"),
        *(
            (typed, None)
            for typed in (
                "", "020 7946 0123", "0044207946012", "+0442079460123", "+44123", "+4420794601231234", "+44 (0)20 7946 0123",
                "+44207946012a", "+44٢079460123", "+442079460123\n", "++442079460123",
            )
        ),
    ],
)  # fmt: skip
def test_numbers_are_those_of_the_standard(typed: str, number: str | None) -> None:
    if number is not None:
        assert normal(typed) == number
    else:
        with pytest.raises(ValueError, match="country code"):
            normal(typed)


async def test_in_development_the_message_is_in_the_inbox_and_its_code_proves_the_number(
    client: httpx.AsyncClient, ada: dict[str, Any], accounts: Accounts, tokens: Tokens, admin: asyncpg.Connection
) -> None:
    assert (await client.get("/phone", headers=bearing(ada))).json() == {"phone": None, "phone_verified_at": None}
    assert (await ask(client, ada, "+44 20 7946 0123")).status_code == 202
    (message,) = (await client.get("/inbox", params={"to": NUMBER})).json()
    code = message["text"][:6]
    assert message["text"] == f"{code} is your code for 127.0.0.1.\n\n@127.0.0.1 #{code}"
    stored = str(await admin.fetch("select code_hash, target, data from auth.one_time_tokens where purpose = 'phone'"))
    assert code not in stored
    assert (await client.get("/phone", headers=bearing(ada))).json()["phone"] is None  # nothing is proved yet
    answer = await prove(client, ada, code)
    assert (answer.status_code, answer.json()["phone"]) == (200, NUMBER)
    assert answer.json()["phone_verified_at"] is not None
    assert (await prove(client, ada, code)).json()["code"] == "proof-refused"  # each once
    assert claims(tokens, await login(client))["phone"] == NUMBER
    assert (await client.delete("/phone", headers=bearing(ada))).status_code == 204
    assert (await client.get("/phone", headers=bearing(ada))).json() == {"phone": None, "phone_verified_at": None}
    seen = await events(admin)
    assert [event for event in seen if event.startswith(("phone", "proof"))] == [
        "phone_change_asked", "phone_verified", "proof_failed", "phone_removed",
    ]  # fmt: skip
    assert NUMBER not in str(await admin.fetch("select details from auth.audit_log"))
    await accounts.outbox.empty()
    mails = (await client.get("/inbox", params={"to": ADA["email"]})).json()
    assert {"The phone number of your account was set", "The phone number of your account was removed"} <= {
        mail["subject"] for mail in mails
    }


async def test_a_code_is_good_for_its_account_its_number_and_its_time(
    client: httpx.AsyncClient, ada: dict[str, Any], recorder: Recorder, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA | {"email": "eve@example.com"})
    eve = await login(client, email="eve@example.com")
    await ask(client, ada)
    first = recorder.code
    await ask(client, eve)  # the same number: the code of the other stays good
    of_eve = recorder.code
    if first != of_eve:
        assert (await prove(client, eve, first)).status_code == 401
    await ask(client, ada, OTHER)
    second = recorder.code
    if first != second:
        assert (await prove(client, ada, first)).status_code == 401
    assert (await prove(client, ada, second)).json()["phone"] == OTHER
    await ask(client, ada)
    await admin.execute("update auth.one_time_tokens set created_at = now() - interval '601 s' where used_at is null")
    assert (await prove(client, ada, recorder.code)).status_code == 401
    await ask(client, ada)
    await client.delete("/phone", headers=bearing(ada))
    assert (await prove(client, ada, recorder.code)).status_code == 401


async def test_a_code_dies_after_five_attempts(
    client: httpx.AsyncClient, ada: dict[str, Any], recorder: Recorder, admin: asyncpg.Connection
) -> None:
    await ask(client, ada)
    for _ in range(5):
        assert (await prove(client, ada, wrong(recorder.code))).status_code == 401
    assert (await prove(client, ada, recorder.code)).status_code == 401
    assert (await events(admin)).count("proof_failed") == 6
    seen = [await prove(client, ada, "000000") for _ in range(6)]
    assert (seen[-1].status_code, seen[-1].json()["code"]) == (429, "too-many-attempts")


async def test_messages_are_limited_for_the_account_and_for_the_number(
    client: httpx.AsyncClient, ada: dict[str, Any], recorder: Recorder
) -> None:
    seen = [await ask(client, ada, f"+44207946010{turn}") for turn in range(7)]
    assert [answer.status_code for answer in seen] == [202] * 5 + [429] * 2
    assert int(seen[-1].headers["retry-after"]) >= 1
    others = []
    for turn in range(7):
        address = f"eve{turn}@example.com"
        await client.post("/signup", json=ADA | {"email": address})
        others.append((await ask(client, await login(client, email=address), OTHER)).status_code)
    assert others == [202] * 5 + [429] * 2
    assert len(recorder.sent) == 10


async def test_the_number_of_another_account_is_told_to_its_holder_only(
    client: httpx.AsyncClient, ada: dict[str, Any], recorder: Recorder
) -> None:
    await ask(client, ada)
    await prove(client, ada, recorder.code)
    await client.post("/signup", json=ADA | {"email": "eve@example.com"})
    eve = await login(client, email="eve@example.com")
    assert (await ask(client, eve)).status_code == 202
    assert (await prove(client, eve, wrong(recorder.code))).status_code == 401
    refused = await prove(client, eve, recorder.code)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "phone")
    assert (await prove(client, eve, recorder.code)).status_code == 401  # used up
    assert (await client.get("/phone", headers=bearing(ada))).json()["phone"] == NUMBER


async def test_only_the_owner_of_the_account_may(
    client: httpx.AsyncClient, app_of_ada: App, recorder: Recorder, tokens: Tokens
) -> None:
    weak = bearing(await login(client))
    known = dict(claims(tokens, app_of_ada.session))
    acting, gone = known | {"act": {"sub": OTHER_ID}}, known | {"sub": OTHER_ID}
    routes: list[tuple[str, str, dict[str, str] | None]] = [
        ("PUT", "/phone", {"phone": NUMBER}),
        ("POST", "/phone/verify", {"code": "123456"}),
        ("DELETE", "/phone", None),
    ]
    for method, path, body in routes:
        for headers, code in (
            ({}, "unauthenticated"),
            (weak, "step-up-required"),
            ({"Authorization": f"Bearer {tokens.sign(acting).text}"}, "forbidden"),
            ({"Authorization": f"Bearer {tokens.sign(gone).text}"}, "proof-refused"),
        ):
            refused = await client.request(method, path, json=body, headers=headers)
            assert (path, refused.json()["code"]) == (path, code)
    assert recorder.sent == []
    bad = await client.put("/phone", json={"phone": "020 7946 0123"}, headers=bearing(app_of_ada.session))
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "phone")
    assert (await ask(client, app_of_ada.session)).status_code == 202


async def test_what_goes_wrong_while_sending_is_told_and_its_words_are_not_logged(
    client: httpx.AsyncClient, ada: dict[str, Any], recorder: Recorder, written: StringIO
) -> None:
    recorder.fault = OSError("canary: the gateway does not know +442079460123")
    refused = await ask(client, ada)
    assert (refused.status_code, refused.json()["code"]) == (503, "message-not-sent")
    assert "OSError" in written.getvalue()
    assert "canary" not in written.getvalue() + refused.text
    assert recorder.code not in written.getvalue()
    recorder.fault = None
    assert (await ask(client, ada)).status_code == 202
    assert (await prove(client, ada, recorder.code)).status_code == 200


class TestProduction:
    """Without anything that sends messages."""

    @pytest.fixture
    def options(self) -> AccountOptions:
        return AccountOptions(limit_addresses=False, production=True, public_url="https://api.example.org")

    async def test_nothing_is_sent_and_the_way_out_is_named(
        self, client: httpx.AsyncClient, ada: dict[str, Any], accounts: Accounts
    ) -> None:
        for answer in (await ask(client, ada), await prove(client, ada, "123456")):
            assert (answer.status_code, answer.json()["code"]) == (503, "feature-off")
            assert "app.messenger" in answer.json()["hint"]
        accounts.phones.messenger = recorder = Recorder()
        assert (await ask(client, ada)).status_code == 202
        assert recorder.sent[0][1].endswith(f"@api.example.org #{recorder.code}")
        assert (await prove(client, ada, recorder.code)).status_code == 200
        assert (await client.get("/inbox")).status_code == 404
