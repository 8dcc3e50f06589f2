"""Roles that requests may take or start from, and schemas."""

from collections.abc import Iterator

from pellucid.policy.facts import PUBLIC, Facts
from pellucid.policy.findings import Finding, Severity, listed
from pellucid.policy.presets import SERVICE
from pellucid.policy.quoting import name, roles

PRIVATE = ("auth", "pellucid", "pg_catalog", "information_schema")
"""Schemas that are nobody's API."""


def bypassing_role(facts: Facts) -> Iterator[Finding]:
    """A role that a token can name and that passes row level security, beside ``service_role`` which is made for it."""
    for role in facts.roles.values():
        if role.unbound and (role.name != SERVICE or role.name == facts.scope.anon):
            yield Finding(
                Severity.ERROR,
                role.name,
                "A token can name this role, and row level security does not hold it (BYPASSRLS).",
                f"alter role {name(role.name)} nobypassrls",
            )


def powerful_role(facts: Facts) -> Iterator[Finding]:
    """A role that a token can name and that has the rights of a superuser, of all data, or of the server's files."""
    for role in facts.roles.values():
        if role.powers:
            yield Finding(
                Severity.ERROR,
                role.name,
                f"A token can name this role, and it has the rights of {listed(role.powers)}.",
                f"revoke {roles(role.powers)} from {name(role.name)}",
            )


def powerful_login(facts: Facts) -> Iterator[Finding]:
    """Requests that start as a superuser: one mistake in a function, and nothing holds them."""
    login = facts.login
    if login.unbound:
        right = "superuser" if login.superuser else "BYPASSRLS"
        ours = facts.scope.login is not None
        yield Finding(
            Severity.WARNING,
            login.name,
            f"The connections of requests log in as this role, which is {right}.",
            f"alter role {name(login.name)} nosuperuser nobypassrls" if ours else None,
            None if ours else "serve with a role that may just enough: docs/how-to/external-database.md",
        )


def private_schema(facts: Facts) -> Iterator[Finding]:
    """A schema in the API that is nobody's: accounts, Pellucid's own, PostgreSQL's own."""
    for schema in facts.scope.schemas:
        if schema in PRIVATE:
            yield Finding(
                Severity.ERROR,
                schema,
                "This schema is part of the API, and should be nobody's.",
                hint=f"take {schema} out of the setting schemas",
            )


def writable_schema(facts: Facts) -> Iterator[Finding]:
    """A schema in which requests may make things: what they make there can take the place of what functions mean."""
    bound = {role.name for role in facts.bound}
    for schema, makers in facts.creators.items():
        some = [maker for maker in makers if maker in bound]
        if some:
            yield Finding(
                Severity.ERROR,
                schema,
                f"{listed(some)} may make tables and functions in this schema.",
                f"revoke create on schema {name(schema)} from {roles((PUBLIC, *some))}",
            )


def exposed_extension(facts: Facts) -> Iterator[Finding]:
    """An extension in an exposed schema: its functions are part of the API."""
    for extension in facts.extensions:
        yield Finding(
            Severity.WARNING,
            extension.name,
            f"The extension lives in {extension.schema}, so its functions and tables are part of the API.",
            f"create schema if not exists extensions;\nalter extension {name(extension.name)} set schema extensions"
            if extension.movable
            else None,
            None
            if extension.movable
            else "it cannot be moved: create it anew with another schema, or expose another schema",
        )
