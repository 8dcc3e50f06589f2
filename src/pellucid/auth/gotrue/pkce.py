"""Codes that are exchanged for a session by whoever knows the verifier (RFC 7636). A code is good once, right or wrong."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from pellucid.auth.gotrue.call import Call, invalid
from pellucid.auth.opaque import as_text, digest, new_secret
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import AuthRefused

SECONDS = 300
"""How long a code is good."""
_CHALLENGE = re.compile(r"[a-zA-Z._~0-9-]+")
ISSUE = text("""
insert into auth.flow_states (provider, user_id, code_hash, code_challenge, code_challenge_method, data, expires_at)
values ('mail', :user_id, :hash, :challenge, 's256', jsonb_build_object('method', cast(:method as text)),
  clock_timestamp() + make_interval(secs => :seconds))
""")
TAKE = text("""
update auth.flow_states set code_hash = null
where code_hash = :hash and expires_at > clock_timestamp()
returning user_id, code_challenge, coalesce(data ->> 'method', 'oauth') as method
""")
"""Codes that mails led to, and those that followed a sign-in elsewhere."""


def challenge_of(call: Call) -> str | None:
    """The challenge of a request, as S256 makes it; None where the request wants no code.

    A plain challenge is the verifier itself, which is kept hashed like any secret.

    Raises:
        AuthRefused: it is no challenge.
    """
    return challenge_in(call.text("code_challenge"), call.text("code_challenge_method"))


def challenge_in(challenge: str, method: str) -> str | None:
    """The same of two texts."""
    method = method.lower()
    if not challenge and not method:
        return None
    if not challenge or not method:
        raise invalid("PKCE flow requires code_challenge_method and code_challenge")
    if not 43 <= len(challenge) <= 128:
        raise invalid("code challenge has to be between 43 and 128 characters")
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid(
            "code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes"
        )
    if method not in ("s256", "plain"):
        raise invalid("unsupported code_challenge method")
    return challenge if method == "s256" else s256(challenge)


async def issue(database: Database, user: User, challenge: str, method: str) -> str:
    """A new code for an account that has proved itself by ``method``."""
    code = new_secret()
    values = {"user_id": user.id, "hash": digest(code), "challenge": challenge, "method": method, "seconds": SECONDS}
    async with database.write(ACCOUNTS) as writing:
        await writing.execute(ISSUE, values)
    return code


async def take(database: Database, code: str, verifier: str) -> Mapping[str, Any]:
    """What a code is for: ``user_id``, and the ``method`` that was proved.

    Raises:
        AuthRefused: it is not good, or the verifier is another one; the code is used up in both cases.
    """
    async with database.write(ACCOUNTS) as writing:
        found = (await writing.execute(TAKE, {"hash": digest(code)})).mappings().one_or_none()
    if found is None or found["user_id"] is None:
        raise AuthRefused(404, "flow_state_not_found", "invalid flow state, no valid flow state found")
    if not hmac.compare_digest(s256(verifier), found["code_challenge"] or ""):
        raise AuthRefused(400, "bad_code_verifier", "code challenge does not match previously saved code verifier")
    return dict(found)


def s256(verifier: str) -> str:
    """The challenge that belongs to a verifier (RFC 7636, 4.2)."""
    return as_text(hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest())
