"""What can be known without asking anybody: what is switched on, that it is there, and the keys of its tokens."""

from starlette.responses import JSONResponse, Response

from pellucid.auth.gotrue.call import Call, answer
from pellucid.version import VERSION

PROVIDERS = (
    "apple", "azure", "bitbucket", "discord", "facebook", "snapchat", "figma", "fly", "github", "gitlab", "google", "keycloak", "kakao",
    "linkedin", "linkedin_oidc", "notion", "spotify", "slack", "slack_oidc", "workos", "twitch", "twitter", "zoom",
)  # fmt: skip
"""The providers that the API names, whether they are there or not."""
KEYS_LIVE = 300


async def settings(call: Call) -> Response:
    """``GET /settings``."""
    there = call.accounts.others.providers
    external = {name: name in there for name in PROVIDERS} | dict.fromkeys(there, True)
    external |= {"anonymous_users": call.accounts.options.anonymous, "email": True, "phone": False}
    return answer(
        {
            "external": external,
            "disable_signup": False,
            "mailer_autoconfirm": not call.accounts.options.verify_email,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
            "saml_private_key_next_configured": False,
            "passkeys_enabled": False,
        }
    )


async def health(_call: Call) -> Response:
    """``GET /health``."""
    return answer(
        {"version": VERSION, "name": "Pellucid", "description": "The accounts, as Supabase's clients know them"}
    )


async def keys(call: Call) -> Response:
    """``GET /.well-known/jwks.json``: the public keys of access tokens (RFC 7517)."""
    headers = {"Cache-Control": f"public, max-age={KEYS_LIVE}"}
    return JSONResponse(call.accounts.tokens.keys.published(), headers=headers)
