"""What can be chosen, and what each room is told of it.

`pellucid.cli.sources` gathers it from the command line, the environment and a file.
"""

import base64
import binascii
import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, model_validator

from pellucid.auth.keys import KeyOptions
from pellucid.auth.options import DAY, AccountOptions, MailOptions, SessionOptions
from pellucid.auth.pathtext import read_path
from pellucid.auth.providers.configuring import provider_options
from pellucid.auth.tokens import TokenOptions
from pellucid.database.options import DatabaseOptions
from pellucid.errors import StartupError
from pellucid.postgres import ClusterOptions, InstanceDirectory
from pellucid.rest.options import HOISTED, DataOptions, OpenApiMode, TransactionEndPolicy, qualified
from pellucid.server.options import ServerOptions
from pellucid.spelling import (
    AppSettings,
    OptionalText,
    Port,
    Providers,
    Schemas,
    Secret,
    Words,
    a_path,
    a_site,
    an_address,
    in_lower_case,
)
from pellucid.trace.options import TraceOptions, header_pairs
from pellucid.web.options import CrossOrigin, Limits, WebOptions

_END_OF_TRANSACTIONS = {True: TransactionEndPolicy.COMMIT, False: TransactionEndPolicy.COMMIT_ALLOW_OVERRIDE}


class Settings(BaseModel):
    """Everything that can be chosen. Each name is also ``--name`` where `serve` has it, ``PELLUCID_NAME``, and a key of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: Annotated[str, Field(min_length=1), BeforeValidator(an_address)] = Field(
        "127.0.0.1", description="an address of this machine to listen on"
    )
    port: Port = Field(8000, description="a TCP port, 0 to 65535; 0 lets the system choose")
    workers: int | None = Field(
        None,
        ge=1,
        le=256,
        description="how many processes answer requests; by default 1, in production one for two cores, at most 4",
    )
    production: bool = Field(default=False, description="true when strangers can reach the server")
    reload: bool = Field(default=False, description="true to start the workers anew when a Python file changes")
    shutdown_timeout: int = Field(30, ge=0, le=3600, description="seconds for the requests under way when stopping")
    proxies: Words = Field((), description="addresses of proxies whose X-Forwarded-* headers are believed")

    db: Secret | None = Field(
        None, description="the URL of a PostgreSQL database to use instead of an embedded one, or host=… dbname=…"
    )
    data: Path = Field(Path(".pellucid"), description="the directory of the embedded PostgreSQL and of the secrets")
    postgres_port: Port | None = Field(None, description="a TCP port on 127.0.0.1 for the embedded PostgreSQL")
    postgres_binaries: Path | None = Field(None, description="the directory of PostgreSQL's programs")
    schemas: Annotated[Schemas, Field(min_length=1)] = Field(
        ("public",), description="the exposed schemas, the default first"
    )
    extra_search_path: Words = Field(("public",), description="schemas that are searched behind the exposed one")
    anon_role: OptionalText = Field(
        "anon", description="the role of requests without a token; empty, and every request needs one"
    )
    pre_request: OptionalText = Field(None, description="a function to call first in every request's transaction")
    app_settings: AppSettings = Field(
        default_factory=dict, description="what requests find with current_setting('app.settings.name')"
    )
    hoisted_settings: Words = Field(
        HOISTED, description="settings of a function that hold for the whole transaction that calls it"
    )
    max_rows: int | None = Field(None, ge=0, description="the most rows that one answer has")
    tx_end: TransactionEndPolicy | None = Field(
        None,
        description="commit or rollback, or either with -allow-override, so that Prefer: tx= decides; "
        "by default commit, which the preference may override in development",
    )
    aggregates: bool | None = Field(
        None, description="true to let requests ask for count, sum, avg, min and max in production too"
    )
    plan: bool | None = Field(None, description="true to let requests ask for execution plans in production too")
    channel: str = Field("pgrst", min_length=1, description="the channel on which NOTIFY has the schema read again")
    pool_size: int = Field(10, ge=1, le=1000, description="the most database connections of one worker")
    pool_timeout: float = Field(10.0, gt=0, le=3600, description="seconds that a request waits for a connection")

    share: bool = Field(default=True, description="false to give every request a transaction of its own")

    max_body: ByteSize = Field(ByteSize(16 << 20), ge=1, description="the largest body, in bytes or such as 10MB")
    cors_origins: Words = Field((), description="origins whose pages may read the answers, or *")
    cors_credentials: bool = Field(default=False, description="true to let those pages send cookies")
    allowed_hosts: Words = Field((), description="names that are answered in the Host header, or *")
    server_timing: bool | None = Field(None, description="true to send Server-Timing in production too")
    legacy_target_names: bool = Field(
        default=True, description="false to let filters name an embedded table by its alias only, where it has one"
    )
    trace_header: OptionalText = Field(None, description="a header that answers repeat as the request had it")
    error_verbosity: Literal["verbose", "minimal"] = Field(
        "verbose", description="minimal to leave details and hints out of errors under /rest/v1"
    )

    openapi_mode: OpenApiMode = Field(
        OpenApiMode.FOLLOW_PRIVILEGES,
        description="follow-privileges, ignore-privileges or disabled: what /rest/v1/ describes",
    )
    openapi_security: bool = Field(default=False, description="true to describe the token there")
    openapi_url: OptionalText = Field(None, description="the URL of the API there, where a proxy stands in front")
    root_spec: OptionalText = Field(None, description="a function that answers at /rest/v1/ instead")

    jwt_secret: Secret | None = Field(
        None,
        description="what others' tokens are checked with: a secret of 32 bytes or more (HS256), a JWK, a JWK Set or a "
        "public key in PEM",
    )
    jwt_secret_is_base64: bool = Field(default=False, description="true when jwt_secret is written in Base64")
    jwt_issuer: str = Field("pellucid", min_length=1, description="the issuer in access tokens")
    jwt_audience: OptionalText = Field(
        None, description="the audience of access tokens; without it others' tokens may have any"
    )
    jwt_role_claim: Annotated[str, AfterValidator(a_path)] = Field(
        "$.role", description="where a token names the role: a JSON path, such as $.app.roles[0]"
    )
    jwt_cache: int = Field(1024, ge=0, description="how many checked tokens a worker remembers")
    signing_key: Secret | None = Field(None, description="the key that signs access tokens, as pellucid key writes it")
    signing_key_file: Path | None = Field(None, description="a file with that key")
    access_token_minutes: int = Field(30, ge=1, le=1440, description="how long an access token is good")

    public_url: Annotated[OptionalText, AfterValidator(a_site)] = Field(
        None, description="where people reach the server, such as https://api.example.com; links in mails begin with it"
    )
    site_url: OptionalText = Field(
        None, description="the site that links in mails lead on to under /auth/v1; public_url where there is none"
    )
    redirect_urls: Words = Field(
        (), description="other addresses that they may lead on to, each in full: nothing is matched but the very same"
    )
    mail_url: Secret | None = Field(
        None,
        description="the mail server, smtp+starttls://user:password@host:587 or smtps://…; without it no mails are sent",
    )
    mail_sender: OptionalText = Field(None, description="whom mails are from, such as Example <hello@example.com>")
    mail_templates: Path | None = Field(
        None, description="a directory with words for mails that replace the usual ones"
    )
    verify_email: bool | None = Field(
        None,
        description="true to let nobody in before the address is verified; the default in production with mail_url",
    )
    session_idle_hours: int = Field(168, ge=1, le=8760, description="hours after which an unused session ends")
    session_days: int = Field(30, ge=1, le=3650, description="days after which every session ends")
    providers: Providers = Field(
        default_factory=dict,
        description="whom people may sign in with, each in a table of its own: `[providers.google]` with client_id and client_secret",
    )
    anonymous: bool | None = Field(None, description="true to let people begin without an account in production too")
    anonymous_days: int = Field(
        30,
        ge=0,
        le=36_500,
        description="days after which an anonymous account that nobody can come back to is erased; 0 for never",
    )
    audit_days: int = Field(90, ge=1, le=36_500, description="days for which the audit log is kept")

    trace_sample: float = Field(
        0.0, ge=0.0, le=1.0, description="the share of requests that are always traced, from 0 to 1"
    )
    trace_slow: float | None = Field(
        None, gt=0, le=3_600_000, description="milliseconds from which on a request is traced because it was slow"
    )
    trace_keep: int = Field(1000, ge=1, le=100_000, description="how many traces are kept, for a week at most")
    otlp_endpoint: OptionalText = Field(
        None,
        description="where traces are sent to as well, such as http://127.0.0.1:4318 (OpenTelemetry, OTLP over HTTP)",
    )
    otlp_headers: Secret | None = Field(None, description="headers sent along, secret: api-key=…,tenant=…")

    log_format: Literal["auto", "json", "text"] = Field("auto", description="auto, json or text")
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(in_lower_case)] = (
        Field("info", description="debug, info, warning, error or critical")
    )
    access_log: bool = Field(default=True, description="false to log no line for each request")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse what does not go together."""
        self._keep_development_at_home()
        self._know_where_mails_come_from()
        self._lead_nobody_off_tls()
        self._know_the_providers()
        if self.production and self.reload:
            raise StartupError("reload is for development, and production is on", hint="leave out one of the two")
        if self.db and self.postgres_port is not None:
            raise StartupError(
                "postgres_port is for the embedded PostgreSQL, and db names another one",
                hint="leave out one of the two",
            )
        return self

    def _keep_development_at_home(self) -> None:
        if not self.production and not _is_loopback(self.host):
            raise StartupError(
                f"development mode serves this machine only, and host is {self.host}",
                hint="use --host 127.0.0.1, or --production once the server is fit for strangers",
            )

    def _know_where_mails_come_from(self) -> None:
        """Refuse to serve strangers without what their mails need: a link must not be built from what a request claims."""
        verifies = self.verify_email if self.verify_email is not None else self.production and self.mail_url is not None
        if not self.production or not (verifies or self.mail_url):
            return
        wanted = {"public_url": self.public_url, "mail_url": self.mail_url, "mail_sender": self.mail_sender}
        missing = [name for name, value in wanted.items() if value is None]
        if missing:
            raise StartupError(
                f"mails need {' and '.join(missing)}, and production is on",
                hint="say where people reach this server (public_url), which mail server it uses (mail_url), and whom mails "
                "are from (mail_sender); or leave out mail_url and verify_email",
            )

    def _lead_nobody_off_tls(self) -> None:
        """Refuse to have links with secrets in them, and people who come back from a provider, go over a wire that others read."""
        parts = urlsplit(self.public_url or "")
        if self.production and parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            raise StartupError(
                f"public_url is without TLS ({self.public_url}), and production is on",
                hint="begin it with https://, and end TLS at a proxy: docs/how-to/nginx.md",
            )

    def _know_the_providers(self) -> None:
        """Refuse providers that cannot be used: they send browsers back to an address that must not come from a request."""
        try:
            provider_options(self.providers, production=self.production)
        except ValueError as fault:
            raise StartupError(str(fault), hint="see docs/how-to/sign-in-with-others.md") from fault
        if self.production and self.providers and self.public_url is None:
            raise StartupError(
                "providers need public_url, and production is on",
                hint="say where people reach this server (public_url)",
            )

    # -- what each room is told ---------------------------------------------------------------------------------------

    @property
    def processes(self) -> int:
        """How many workers: one while developing, so that what is printed stays in order; in production one for two
        cores, and at most four, for each holds a pool of connections to PostgreSQL, which works on the same cores."""
        if self.workers is not None:
            return self.workers
        return max(1, min(len(os.sched_getaffinity(0)) // 2, 4)) if self.production else 1

    def cluster(self) -> ClusterOptions:
        """For `pellucid.postgres`."""
        return ClusterOptions(directory=self.data, port=self.postgres_port, binaries=self.postgres_binaries)

    def database(self, dsn: str, admin_dsn: str | None) -> DatabaseOptions:
        """For `pellucid.database`. Production changes no schema, so it gets no ``admin_dsn``."""
        return DatabaseOptions(
            dsn=dsn,
            admin_dsn=None if self.production else admin_dsn,
            schemas=self.schemas,
            extra_search_path=self.extra_search_path,
            anon_role=self.anon_role or "",
            channel=self.channel,
            pool_size=self.pool_size,
            pool_timeout=self.pool_timeout,
        )

    def data_api(self) -> DataOptions:
        """For `pellucid.rest`. Development allows what helps to look around; production waits to be told."""
        return DataOptions(
            schemas=self.schemas,
            extra_search_path=self.extra_search_path,
            max_rows=self.max_rows,
            aggregates=self._unless_production(self.aggregates),
            plan=self._unless_production(self.plan),
            pre_request=qualified(self.pre_request) if self.pre_request else None,
            root_spec=qualified(self.root_spec) if self.root_spec else None,
            tx_end=self.tx_end or _END_OF_TRANSACTIONS[self.production],
            app_settings=tuple((f"app.settings.{name}", value) for name, value in self.app_settings.items()),
            hoisted_settings=self.hoisted_settings,
            openapi_mode=self.openapi_mode,
            openapi_security=self.openapi_security,
            openapi_server_proxy_uri=self.openapi_url,
            legacy_target_names=self.legacy_target_names,
        )

    def _unless_production(self, chosen: bool | None) -> bool:
        return not self.production if chosen is None else chosen

    def web(self) -> WebOptions:
        """For `pellucid.web`."""
        return WebOptions(
            production=self.production,
            limits=Limits(body=self.max_body),
            allowed_hosts=self.allowed_hosts,
            cross_origin=CrossOrigin(self.cors_origins, self.cors_credentials),
            server_timing=self.server_timing,
            access_log=self.access_log,
            trace_header=self.trace_header,
            verbose_errors=self.error_verbosity == "verbose",
        )

    def trace(self) -> TraceOptions:
        """For `pellucid.trace`."""
        return TraceOptions(
            directory=InstanceDirectory.at(self.data).path / "traces",
            sample=self.trace_sample,
            slow=None if self.trace_slow is None else self.trace_slow / 1000,
            keep=self.trace_keep,
            proxies=self.proxies,
            production=self.production,
            endpoint=self.otlp_endpoint,
            headers=header_pairs(self.otlp_headers.get_secret_value() if self.otlp_headers else ""),
        )

    def tokens(self) -> TokenOptions:
        """For `pellucid.auth`: how access tokens are made."""
        return TokenOptions(
            issuer=self.jwt_issuer,
            audience=self.jwt_audience or "authenticated",
            lifetime=self.access_token_minutes * 60,
            secret=self._secret(),
            others_audience=self.jwt_audience,
            role_claim=read_path(self.jwt_role_claim),
            remembered=self.jwt_cache,
        )

    def keys(self) -> KeyOptions:
        """For `pellucid.auth`: where the signing key is."""
        return KeyOptions(
            text=self.signing_key.get_secret_value() if self.signing_key else None,
            file=self.signing_key_file,
            generated=InstanceDirectory.at(self.data).secrets / "signing-key.json",
            production=self.production,
        )

    def accounts(self) -> AccountOptions:
        """For `pellucid.auth`: sessions, mails, limits."""
        mails = self.mail_url is not None
        return AccountOptions(
            production=self.production,
            public_url=self.public_url or f"http://127.0.0.1:{self.port}",
            verify_email=(self.production and mails) if self.verify_email is None else self.verify_email,
            limit_addresses=self.production,
            audit_days=self.audit_days,
            anonymous_days=self.anonymous_days,
            providers=provider_options(self.providers, production=self.production),
            redirect_urls=self.redirect_urls,
            anonymous=self._unless_production(self.anonymous),
            sessions=SessionOptions(idle=self.session_idle_hours * 3600, absolute=self.session_days * DAY),
            mail=MailOptions(
                url=self.mail_url.get_secret_value() if self.mail_url else None,
                sender=self.mail_sender,
                templates=self.mail_templates,
            ),
            site_url=self.site_url,
        )

    def server(self, *, watch: tuple[Path, ...] = (), interactive: bool = False) -> ServerOptions:
        """For `pellucid.server`. ``watch`` are the directories of the user's code."""
        return ServerOptions(
            workers=self.processes,
            shutdown_seconds=self.shutdown_timeout,
            proxies=self.proxies,
            watch=watch if self.reload else (),
            interactive=interactive,
        )

    def _secret(self) -> bytes | None:
        if self.jwt_secret is None:
            return None
        text = self.jwt_secret.get_secret_value()
        if not self.jwt_secret_is_base64:
            return text.encode()
        try:
            return base64.b64decode(text.translate(str.maketrans("-_.", "+/=")), validate=True)
        except binascii.Error as fault:
            raise StartupError(
                "jwt_secret is not written in Base64", hint="write it so, or leave out jwt_secret_is_base64"
            ) from fault


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
