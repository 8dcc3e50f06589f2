"""Passkeys in a real Chromium with its virtual authenticator: added, asked for as a second factor, and signing in alone."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, CDPSession, Error, Page

pytestmark = [pytest.mark.browser, pytest.mark.process]

PASSWORD = "an engine of brass"
CREATE = """async options => (await navigator.credentials.create(
  {publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})).toJSON()"""
GET = """async options => (await navigator.credentials.get(
  {publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})).toJSON()"""
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


Change = Callable[[dict[str, Any]], dict[str, Any]]


def without(name: str) -> Change:
    return lambda answer: answer | {"response": {key: each for key, each in answer["response"].items() if key != name}}


def having(name: str, value: object) -> Change:
    return lambda answer: answer | {"response": answer["response"] | {name: value}}


BROKEN: list[Change] = [
    lambda _: {},
    lambda answer: answer | {"rawId": "AAAA", "id": "AAAA"},
    lambda answer: answer | {"type": "password"},
    lambda answer: answer | {"response": "text"},
    *(without(name) for name in ("clientDataJSON", "authenticatorData", "signature", "userHandle")),
    having("authenticatorData", 7),
    having("signature", "MAYCAQECAQE"),
    having("userHandle", "AAAA"),
]
"""What may come instead of a good answer."""


@dataclass
class Person:
    """Somebody with an account, a browser and an authenticator in it."""

    api: httpx.Client
    page: Page
    devices: CDPSession
    device: str
    email: str

    def login(self) -> httpx.Response:
        return self.api.post("/login", json={"email": self.email, "password": PASSWORD})

    def bearing(self, session: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {session['access_token']}"}

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        return dict(self.page.evaluate(CREATE, options))

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        return dict(self.page.evaluate(GET, options))

    def enrol(self, session: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add a passkey: the factor, and the session that proved it."""
        begun = self.api.post("/factors", json={"kind": "webauthn"}, headers=self.bearing(session)).json()
        answer = self.prove(session, begun["id"], self.create(begun["challenge"]["options"]))
        assert answer.status_code == 200, answer.text
        return begun, answer.json()

    def prove(self, session: dict[str, Any], factor: str, credential: dict[str, Any]) -> httpx.Response:
        path, body = f"/factors/{factor}/verify", {"credential": credential}
        return self.api.post(path, json=body, headers=self.bearing(session))

    def asked(self, session: dict[str, Any], factor: str) -> dict[str, Any]:
        return dict(self.api.post(f"/factors/{factor}/challenge", headers=self.bearing(session)).json())

    def alone(self) -> dict[str, Any]:
        """The answer of a passkey to a challenge for any."""
        return self.get(self.api.post("/login/passkey/challenge").json()["options"])

    def verified(self, verified: bool) -> None:
        """Whether the authenticator recognises its owner."""
        state = {"authenticatorId": self.device, "isUserVerified": verified}
        self.devices.send("WebAuthn.setUserVerified", state)


PAGE = """async ({email, password}) => {
  %s
  await post("/sessions", {email, password})
  const added = await addPasskey("My key")
  const [factor] = await (await fetch("/factors")).json()
  await post("/logout?which=current").catch(() => null)
  const weak = await post("/sessions", {email, password})
  const proved = await provePasskey(factor)
  const alone = await signIn()
  return [added, weak, proved, alone].map(answer => answer.session.aal)
}"""
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "passkeys.md"
numbers = iter(range(100))


@pytest.fixture
def ada(browser: Browser, server: str) -> Iterator[Person]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.replace('127.0.0.1', 'localhost')}/docs/errors")
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
    with httpx.Client(base_url=server, timeout=60) as api:
        person = Person(api, page, devices, device, f"ada{next(numbers)}@example.com")
        assert api.post("/signup", json={"email": person.email, "password": PASSWORD}).status_code == 201
        yield person
    context.close()


def test_a_passkey_is_a_second_factor(ada: Person) -> None:
    factor, strong = ada.enrol(ada.login().json())
    (listed,) = ada.api.get("/factors", headers=ada.bearing(strong)).json()
    assert (listed["kind"], listed["verified_at"] is not None) == ("webauthn", True)
    weak = ada.login().json()
    asked = ada.asked(weak, factor["id"])
    assert (asked["purpose"], asked["options"]["rpId"]) == ("get", "localhost")
    answer = ada.get(asked["options"])
    proved = ada.prove(weak, factor["id"], answer)
    assert proved.status_code == 200
    sessions = ada.api.get("/sessions", headers=ada.bearing(proved.json())).json()
    assert [session["aal"] for session in sessions if session["current"]] == ["aal2"]
    replayed = ada.prove(ada.login().json(), factor["id"], answer)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "challenge-refused")


def test_a_passkey_signs_in_alone_if_it_knows_its_owner(ada: Person, server: str) -> None:
    ada.enrol(ada.login().json())
    answer = ada.alone()
    signed_in = ada.api.post("/login/passkey", json={"credential": answer})
    assert (signed_in.status_code, signed_in.json()["user"]["email"]) == (200, ada.email)
    replayed = ada.api.post("/login/passkey", json={"credential": answer})
    assert (replayed.status_code, replayed.json()["code"]) == (401, "challenge-refused")
    elsewhere = {"Origin": "https://evil.example.com"}
    answer = ada.alone()
    assert ada.api.post("/sessions/passkey", json={"credential": answer}, headers=elsewhere).status_code == 403
    ada.verified(False)
    with pytest.raises(Error, match="NotAllowedError"):
        ada.alone()
    ada.verified(True)
    opened = ada.api.post("/sessions/passkey", json={"credential": answer}, headers={"Origin": server})
    assert (opened.status_code, opened.json()["session"]["aal"]) == (201, "aal2")
    assert opened.cookies.get("pellucid-session")


def test_what_the_guide_says_works_with_the_cookie_of_a_browser(ada: Person, server: str) -> None:
    ada.page.goto(f"{server.replace('127.0.0.1', 'localhost')}/docs")
    scripts = "\n".join(re.findall(r"^```js\n(.*?)^```$", HOW_TO.read_text(), re.MULTILINE | re.DOTALL))
    levels = ada.page.evaluate(PAGE % scripts, {"email": ada.email, "password": PASSWORD})
    assert levels == ["aal2", "aal1", "aal2", "aal2"]


def test_answers_that_are_not_meant_or_not_whole_are_refused(ada: Person) -> None:
    factor, strong = ada.enrol(ada.login().json())
    options = ada.asked(strong, factor["id"])["options"]
    as_sign_in = ada.api.post("/login/passkey", json={"credential": ada.get(options)})
    assert as_sign_in.status_code == 401  # a challenge for one thing is none for another
    for change in BROKEN:
        credential = change(ada.alone())
        answer = ada.api.post("/login/passkey", json={"credential": credential})
        assert answer.status_code == 401, (credential, answer.text)
    second = ada.api.post("/factors", json={"kind": "webauthn"}, headers=ada.bearing(strong)).json()
    assert second["challenge"]["options"]["excludeCredentials"]
    assert ada.prove(strong, second["id"], {}).status_code == 401


def test_a_page_of_another_origin_gets_nothing(ada: Person) -> None:
    factor, strong = ada.enrol(ada.login().json())
    ada.page.route("http://localhost:9/*", lambda route: route.fulfill(body="elsewhere", content_type="text/html"))
    ada.page.goto("http://localhost:9/")  # of the same name, so the browser lets it ask
    alone = ada.api.post("/login/passkey", json={"credential": ada.alone()})
    assert (alone.status_code, alone.json()["code"]) == (401, "factor-refused")
    second = ada.prove(strong, factor["id"], ada.get(ada.asked(strong, factor["id"])["options"]))
    assert (second.status_code, second.json()["code"]) == (401, "factor-refused")


def test_a_copied_passkey_is_found_by_its_counter(ada: Person) -> None:
    factor, strong = ada.enrol(ada.login().json())
    ada.get(ada.asked(strong, factor["id"])["options"])  # the counter grows, and the server does not see it
    (held,) = ada.devices.send("WebAuthn.getCredentials", {"authenticatorId": ada.device})["credentials"]
    assert ada.prove(strong, factor["id"], ada.get(ada.asked(strong, factor["id"])["options"])).status_code == 200
    ada.devices.send("WebAuthn.clearCredentials", {"authenticatorId": ada.device})
    copy = {"authenticatorId": ada.device, "credential": held | {"signCount": 0}}
    ada.devices.send("WebAuthn.addCredential", copy)
    weak = ada.login().json()
    refused = ada.prove(weak, factor["id"], ada.get(ada.asked(weak, factor["id"])["options"]))
    assert (refused.status_code, refused.json()["code"]) == (401, "factor-refused")
