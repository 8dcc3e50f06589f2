"""What the tests of ``/auth/v1`` share: who asks, mails as they are read, what is refused."""

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
SITE = "https://app.example.org"
CALLBACK = "https://app.example.org/callback?from=mail"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-long"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}
NEWER = {"X-Supabase-Api-Version": "2024-01-01"}
OPTIONS = {
    "limit_addresses": False,
    "public_url": "https://api.example.org",
    "site_url": SITE,
    "redirect_urls": (CALLBACK,),
}


class Read:
    """A mail as its reader sees it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.codes: list[str] = re.findall(r"\b\d{6}\b", text)
        self.links: list[str] = re.findall(r"https?://\S+/verify\?\S+", text)

    @property
    def path(self) -> str:
        """The link, as this server is asked for it."""
        parts = urlsplit(self.links[0])
        return f"http://127.0.0.1{parts.path}?{parts.query}"

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.links[0]).query)["token"][0]


def bearing(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def fragment(answer: httpx.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).fragment).items()}


def query(answer: httpx.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


REFUSED: list[tuple[str, str, dict[str, Any] | None, int, str]] = [
    ("GET", "nothing", None, 404, "unknown"),
    ("GET", "token", None, 405, "unknown"),
    ("POST", "token?grant_type=nothing", {}, 400, "invalid_credentials"),
    ("POST", "token?grant_type=password", ADA, 400, "invalid_credentials"),
    ("POST", "token?grant_type=password", {"password": "x"}, 400, "validation_failed"),
    ("POST", "token?grant_type=password", {"phone": "1", "password": "x"}, 422, "phone_provider_disabled"),
    ("POST", "token?grant_type=password", {"email": 7}, 400, "bad_json"),
    ("POST", "token?grant_type=refresh_token", {"refresh_token": "no-such-token"}, 400, "refresh_token_not_found"),
    ("POST", "token?grant_type=pkce", {"auth_code": "x", "code_verifier": "y"}, 404, "flow_state_not_found"),
    ("POST", "token?grant_type=pkce", {"auth_code": "x"}, 400, "validation_failed"),
    ("POST", "signup", {"email": "ada@example.com"}, 400, "validation_failed"),
    ("POST", "signup", {"email": "no address", "password": "an engine of brass"}, 400, "validation_failed"),
    ("POST", "signup", {"email": "a@example.com", "password": "short"}, 422, "weak_password"),
    ("POST", "signup", {"email": "a@example.com", "password": "password1"}, 422, "weak_password"),
    ("POST", "signup", {"phone": "1", "password": "an engine of brass"}, 400, "phone_provider_disabled"),
    ("POST", "signup", {**ADA, "code_challenge": "short", "code_challenge_method": "s256"}, 400, "validation_failed"),
    ("POST", "signup", {**ADA, "data": {"a": "\0"}}, 400, "bad_json"),
    ("POST", "otp", {}, 400, "validation_failed"),
    ("POST", "otp", {"phone": "1"}, 400, "phone_provider_disabled"),
    ("POST", "magiclink", {}, 422, "validation_failed"),
    ("POST", "recover", {}, 400, "validation_failed"),
    ("POST", "resend", {"type": "nothing"}, 400, "validation_failed"),
    ("POST", "verify", {"type": "email", "email": "ada@example.com", "token": "123456"}, 403, "otp_expired"),
    ("POST", "verify", {"type": "email", "token_hash": "nothing"}, 403, "otp_expired"),
    ("POST", "verify", {"type": "email"}, 400, "validation_failed"),
    ("POST", "verify", {"token_hash": "nothing"}, 400, "validation_failed"),
    ("GET", "verify?token=x", None, 400, "validation_failed"),
    ("GET", "user", None, 401, "no_authorization"),
    ("PUT", "user", {"data": {}}, 401, "no_authorization"),
    ("GET", "reauthenticate", None, 401, "no_authorization"),
    ("POST", "logout", None, 401, "no_authorization"),
    ("POST", "logout?scope=nothing", None, 400, "validation_failed"),
]
ELSEWHERE = [
    "https://evil.example.org",
    f"{SITE}.evil.example.org",
    f"{SITE}@evil.example.org",
    f"{CALLBACK}&more=1",
    f"{CALLBACK}/",
    "https://app.example.org/other",
    "HTTPS://app.example.org/callback?from=mail",
    "//evil.example.org",
    "javascript:alert(1)",
    "",
]
