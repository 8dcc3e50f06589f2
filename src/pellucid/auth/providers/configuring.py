"""How a provider is configured: a client id, a secret, and for those without a preset where they are."""

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from pellucid.auth.options import ProviderOptions
from pellucid.auth.providers.people import READERS
from pellucid.auth.providers.presets import PRESETS
from pellucid.auth.providers.provider import configured


def _a_place(url: str | None) -> str | None:
    if url is not None and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise ValueError("it is no address, such as https://id.example.com")
    return url


Place = Annotated[str | None, AfterValidator(_a_place)]


class ProviderEntry(BaseModel):
    """One provider as the settings have it, in the table ``providers.NAME``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    client_id: str = Field(min_length=1)
    client_ids: tuple[str, ...] | None = None
    client_secret: SecretStr | None = None
    issuer: Place = None
    authorize_url: Place = None
    token_url: Place = None
    user_url: Place = None
    scopes: tuple[str, ...] | None = None
    reads: str | None = None
    team: str | None = None
    key_id: str | None = None
    secret_key: SecretStr | None = None

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        if self.reads is not None and self.reads not in READERS:
            raise ValueError(f"reads is one of {', '.join(READERS)}")
        return self


def provider_options(entries: Mapping[str, ProviderEntry], *, production: bool) -> tuple[ProviderOptions, ...]:
    """What the accounts are told of each.

    Raises:
        ValueError: one cannot be used; the text says which and why.
    """
    return tuple(_options(name, entry, production=production) for name, entry in sorted(entries.items()))


def _options(name: str, entry: ProviderEntry, *, production: bool) -> ProviderOptions:
    given = {field: value for field, value in entry.model_dump().items() if value is not None}
    for secret in given.keys() & {"client_secret", "secret_key"}:
        given[secret] = given[secret].get_secret_value()
    options = configured(ProviderOptions(name, **given), PRESETS.get(name, {}))
    if (
        not name.replace("_", "").replace("-", "").isalnum()
        or not name.isascii()
        or name in ("code", "mail", "providers")
    ):
        raise ValueError(f"{name!r} is no name for a provider: letters, digits and - are")
    urls = [options.issuer] if options.issuer else [options.authorize_url, options.token_url, options.user_url]
    if not all(urls):
        raise ValueError(f"the provider {name} needs an issuer, or authorize_url, token_url and user_url")
    if production and not all(str(url).startswith("https://") for url in urls):
        raise ValueError(f"the provider {name} needs https in production")
    return options
