"""Supabase's official auth clients, for Python and for JavaScript, against a running server and its inbox page."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from supabase_auth import SyncGoTrueAdminAPI, SyncGoTrueClient
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from tests.process.serving import PATIENCE, Serve, fresh_home, remove

HERE = Path(__file__).with_name("javascript")
PASSWORD = "an engine of brass"
CALLBACK = "http://localhost:3000/callback"
pytestmark = pytest.mark.process


@dataclass(frozen=True)
class World:
    """A server, and what its clients need."""

    http: httpx.Client
    url: str
    service: str

    def python(self, **options: Any) -> SyncGoTrueClient:
        return SyncGoTrueClient(url=self.url, auto_refresh_token=False, http_client=self.http, **options)

    def admin(self) -> SyncGoTrueAdminAPI:
        headers = {"Authorization": f"Bearer {self.service}"}
        return SyncGoTrueAdminAPI(url=self.url, headers=headers, http_client=self.http)

    def mail(self, address: str, seen: int = 0) -> str:
        """The newest mail to an address, once there are more than ``seen``."""
        for _ in range(1000):
            found = self.http.get("/inbox", params={"to": address}).json()
            if len(found) > seen:
                return str(found[0]["text"])
        raise AssertionError(f"no mail to {address}")

    def code(self, address: str, seen: int = 0) -> str:
        return str(re.findall(r"\b\d{6}\b", self.mail(address, seen))[0])

    def follow(self, address: str, seen: int = 0) -> str:
        """Where the link of a mail leads."""
        link = re.findall(r"https?://\S+/verify\?\S+", self.mail(address, seen))[0]
        parts = urlsplit(link)
        return str(self.http.get(f"{parts.path}?{parts.query}").headers["location"])


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    home = fresh_home()
    with Serve(home, env={"PELLUCID_REDIRECT_URLS": CALLBACK}) as serve, serve.ready() as client:
        command = [sys.executable, "-m", "pellucid", "token", "--role", "service_role"]
        made = subprocess.run(command, cwd=home, check=True, timeout=PATIENCE, capture_output=True, text=True)
        url = f"{str(client.base_url).rstrip('/')}/auth/v1"
        yield World(client, url, made.stdout.strip().splitlines()[-1])
    remove(home)


def test_python_passwords(world: World) -> None:
    client = world.python()
    with pytest.raises(AuthWeakPasswordError) as weak:
        client.sign_up({"email": "ada@example.com", "password": "short"})
    assert weak.value.reasons == ["length"]
    made = client.sign_up({"email": "ada@example.com", "password": PASSWORD, "options": {"data": {"name": "Ada"}}})
    assert made.session is not None
    assert made.user is not None
    assert made.user.user_metadata == {"name": "Ada"}
    with pytest.raises(AuthApiError, match="User already registered") as taken:
        world.python().sign_up({"email": "ada@example.com", "password": PASSWORD})
    assert taken.value.code == "user_already_exists"
    with pytest.raises(AuthApiError, match="Invalid login credentials"):
        client.sign_in_with_password({"email": "ada@example.com", "password": "something else"})
    signed_in = client.sign_in_with_password({"email": "ada@example.com", "password": PASSWORD})
    assert signed_in.user is not None
    assert signed_in.user.id == made.user.id
    claims = client.get_claims()
    assert claims is not None
    assert claims["claims"]["sub"] == made.user.id
    refreshed = client.refresh_session()
    assert refreshed.session is not None
    assert signed_in.session is not None
    assert refreshed.session.refresh_token != signed_in.session.refresh_token
    client.sign_out()
    assert client.get_session() is None


def test_python_mails(world: World) -> None:
    client, address = world.python(), "eve@example.com"
    client.sign_in_with_otp({"email": address})
    first = client.verify_otp({"email": address, "token": world.code(address), "type": "email"})
    assert first.user is not None
    client.reset_password_for_email(address)
    token = parse_qs(urlsplit(re.findall(r"https?://\S+/verify\?\S+", world.mail(address, 1))[0]).query)["token"][0]
    recovered = world.python().verify_otp({"token_hash": token, "type": "recovery"})
    assert recovered.session is not None
    fresh = world.python()
    fresh.set_session(recovered.session.access_token, recovered.session.refresh_token)
    fresh.update_user({"password": PASSWORD})
    with pytest.raises(AuthApiError) as refused:
        world.python().verify_otp({"token_hash": token, "type": "recovery"})
    assert refused.value.code == "otp_expired"
    assert world.python().sign_in_with_password({"email": address, "password": PASSWORD}).session is not None
    owner = world.python()
    owner.sign_in_with_password({"email": address, "password": PASSWORD})
    with pytest.raises(AuthApiError) as needed:
        owner.update_user({"password": "an engine of silver"})
    assert needed.value.code == "reauthentication_needed"
    changed = fresh.update_user({"data": {"name": "Eve"}})
    assert changed.user.user_metadata == {"name": "Eve"}


def test_python_pkce(world: World) -> None:
    client, address = world.python(flow_type="pkce"), "pkce@example.com"
    client.sign_in_with_otp({"email": address, "options": {"email_redirect_to": CALLBACK}})
    location = world.follow(address)
    assert location.startswith(f"{CALLBACK}?code=")
    code = parse_qs(urlsplit(location).query)["code"][0]
    got = client.exchange_code_for_session({"auth_code": code, "code_verifier": "", "redirect_to": ""})
    assert got.user is not None
    assert got.user.email == address


def test_python_factors(world: World) -> None:
    client = world.python()
    client.sign_up({"email": "totp@example.com", "password": PASSWORD})
    enrolled = client.mfa.enroll({"factor_type": "totp", "friendly_name": "phone", "issuer": "Example"})
    assert enrolled.totp is not None
    assert enrolled.totp.qr_code.startswith("data:image/svg+xml")
    challenge = client.mfa.challenge({"factor_id": enrolled.id})
    with pytest.raises(AuthApiError) as refused:
        client.mfa.verify({"factor_id": enrolled.id, "challenge_id": challenge.id, "code": "000000"})
    assert refused.value.code in ("mfa_verification_failed", "mfa_challenge_expired")
    code = pyotp.TOTP(enrolled.totp.secret).now()
    client.mfa.challenge_and_verify({"factor_id": enrolled.id, "code": code})
    level = client.mfa.get_authenticator_assurance_level()
    assert (level.current_level, level.next_level) == ("aal2", "aal2")
    assert [factor.id for factor in client.mfa.list_factors().totp] == [enrolled.id]
    assert client.mfa.unenroll({"factor_id": enrolled.id}).id == enrolled.id


def test_python_administration(world: World) -> None:
    admin = world.admin()
    made = admin.create_user({"email": "made@example.com", "password": PASSWORD, "email_confirm": True})
    assert admin.get_user_by_id(made.user.id).user.email_confirmed_at is not None
    banned = admin.update_user_by_id(made.user.id, {"ban_duration": "24h"})
    assert banned.user.id == made.user.id
    with pytest.raises(AuthApiError) as refused:
        world.python().sign_in_with_password({"email": "made@example.com", "password": PASSWORD})
    assert refused.value.code == "user_banned"
    assert made.user.id in {user.id for user in admin.list_users()}
    link = admin.generate_link({"type": "magiclink", "email": "linked@example.com"})
    session = world.python().verify_otp({"token_hash": link.properties.hashed_token, "type": "magiclink"})
    assert session.user is not None
    assert session.user.id == link.user.id
    assert admin.invite_user_by_email("invited@example.com").user.invited_at is not None
    admin.delete_user(made.user.id)
    with pytest.raises(AuthApiError, match="User not found"):
        admin.get_user_by_id(made.user.id)


def test_python_anonymous(world: World) -> None:
    client = world.python()
    somebody = client.sign_in_anonymously()
    assert somebody.user is not None
    assert somebody.user.is_anonymous
    client.sign_out({"scope": "local"})


# -- JavaScript ------------------------------------------------------------------------------------------------------

WITHOUT_CLIENT = shutil.which("node") is None or not (HERE / "node_modules" / "@supabase" / "auth-js").exists()
ANSWERS = {
    "weak password": "weak_password",
    "sign up": "ada.js@example.com",
    "sign up again": "user_already_exists",
    "wrong password": "invalid_credentials",
    "sign in": "ada.js@example.com",
    "user": "ada.js@example.com",
    "claims": "authenticated",
    "refresh": True,
    "metadata": {"name": "Ada"},
    "password without a proof": "reauthentication_needed",
    "password with the present one": None,
    "one-time code": "eve.js@example.com",
    "code again": "otp_expired",
    "PKCE": "pkce.js@example.com",
    "PKCE again": "flow_state_not_found",
    "anonymous": True,
    "no administration": "not_admin",
    "create": "made.js@example.com",
    "list": True,
    "link": "made.js@example.com",
    "delete": None,
    "sign out": None,
    "after signing out": "session_not_found",
    "settings": True,
}


@pytest.fixture(scope="module")
def answers(world: World) -> dict[str, Any]:
    """What the client got, question by question."""
    asked = subprocess.run(
        ["node", "ask-auth.mjs", world.url, world.service, str(world.http.base_url).rstrip("/"), CALLBACK],
        cwd=HERE, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    found: dict[str, Any] = json.loads(asked.stdout)
    return found


@pytest.mark.skipif(
    WITHOUT_CLIENT,
    reason="Node.js (Debian: apt install nodejs npm) or the client (npm install --prefix tests/clients/javascript) is missing",
)
def test_what_the_javascript_client_gets(answers: dict[str, Any]) -> None:
    assert answers == ANSWERS
