"""The usual providers: what is known of them, so that a client id and a secret are all that has to be configured."""

from collections.abc import Mapping
from typing import Any

OPENID = ("openid", "email", "profile")

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "google": {"issuer": "https://accounts.google.com"},
    "gitlab": {"issuer": "https://gitlab.com"},
    "microsoft": {"issuer": "https://login.microsoftonline.com/common/v2.0", "reads": "microsoft"},
    "azure": {"issuer": "https://login.microsoftonline.com/common/v2.0", "reads": "microsoft"},
    "apple": {
        "issuer": "https://appleid.apple.com",
        "scopes": ("openid", "email", "name"),
        "parameters": (("response_mode", "form_post"),),
    },
    "linkedin": {"issuer": "https://www.linkedin.com/oauth"},
    "twitch": {
        "issuer": "https://id.twitch.tv/oauth2",
        "scopes": ("openid", "user:read:email"),
        "parameters": (("claims", '{"id_token":{"email":null,"email_verified":null,"preferred_username":null}}'),),
    },
    "github": {
        "authorize_url": "https://github.com/login/oauth/authorize",
        "token_url": "https://github.com/login/oauth/access_token",
        "user_url": "https://api.github.com/user",
        "scopes": ("read:user", "user:email"),
        "reads": "github",
    },
    "discord": {
        "authorize_url": "https://discord.com/oauth2/authorize",
        "token_url": "https://discord.com/api/oauth2/token",
        "user_url": "https://discord.com/api/users/@me",
        "scopes": ("identify", "email"),
        "reads": "discord",
    },
    "facebook": {
        "authorize_url": "https://www.facebook.com/v21.0/dialog/oauth",
        "token_url": "https://graph.facebook.com/v21.0/oauth/access_token",
        "user_url": "https://graph.facebook.com/v21.0/me?fields=id,name,email,picture",
        "scopes": ("email", "public_profile"),
        "reads": "facebook",
    },
}
"""By the name under which it is configured. Every other name needs an ``issuer``, or the three URLs."""
