"""What the data API needs to be told."""

from enum import Enum

from msgspec import Struct

from pellucid.database.catalog.model import TableName


class TransactionEndPolicy(Enum):
    """How every transaction of the data API ends, and whether a client may wish for the other end (``Prefer: tx=``)."""

    COMMIT = "commit"
    COMMIT_ALLOW_OVERRIDE = "commit-allow-override"
    ROLLBACK = "rollback"
    ROLLBACK_ALLOW_OVERRIDE = "rollback-allow-override"

    @property
    def commits(self) -> bool:
        """Whether it commits where no client says otherwise."""
        return self in (TransactionEndPolicy.COMMIT, TransactionEndPolicy.COMMIT_ALLOW_OVERRIDE)

    @property
    def overridable(self) -> bool:
        """Whether a client may say otherwise."""
        return self in (TransactionEndPolicy.COMMIT_ALLOW_OVERRIDE, TransactionEndPolicy.ROLLBACK_ALLOW_OVERRIDE)


class OpenApiMode(Enum):
    """What the root of the PostgREST profile describes: what the caller may use, everything, or nothing."""

    FOLLOW_PRIVILEGES = "follow-privileges"
    IGNORE_PRIVILEGES = "ignore-privileges"
    DISABLED = "disabled"


HOISTED = ("statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation")
"""The settings of a function that go for the whole transaction, unless chosen otherwise."""


class DataOptions(Struct, frozen=True):
    """Everything the data API is told.

    ``schemas`` are the exposed ones, the default first; ``extra_search_path`` are looked through behind the request's own schema.
    ``max_rows`` bounds every read; None for no bound. ``aggregates`` and ``plan`` allow aggregate functions and query plans.
    ``pre_request`` is a function called before each statement; without a schema it is found through the search path, and so is
    ``root_spec``, which answers the root of the PostgREST profile instead of an OpenAPI document. ``app_settings`` are pairs that every
    transaction sees with ``current_setting``. ``hoisted_settings`` are those settings of a function that go for its whole transaction.
    ``openapi_security`` adds the security definitions to the OpenAPI document, ``openapi_server_proxy_uri`` is the address that it names.
    ``legacy_target_names``: filters may speak of an embedded table by its name where it has an alias.
    """

    schemas: tuple[str, ...] = ("public",)
    extra_search_path: tuple[str, ...] = ("public",)
    max_rows: int | None = None
    aggregates: bool = False
    plan: bool = False
    pre_request: TableName | None = None
    root_spec: TableName | None = None
    tx_end: TransactionEndPolicy = TransactionEndPolicy.COMMIT
    app_settings: tuple[tuple[str, str], ...] = ()
    hoisted_settings: tuple[str, ...] = HOISTED
    openapi_mode: OpenApiMode = OpenApiMode.FOLLOW_PRIVILEGES
    openapi_security: bool = False
    openapi_server_proxy_uri: str | None = None
    legacy_target_names: bool = True


def qualified(text: str) -> TableName:
    """Read a function's name as settings write it: ``name`` or ``schema.name``; the schema is empty where none is given."""
    schema, dot, name = text.partition(".")
    return TableName(schema, name) if dot else TableName("", schema)
