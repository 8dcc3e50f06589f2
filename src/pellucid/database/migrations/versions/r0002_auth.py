"""The schema ``auth`` and what policies ask of the request: who is it?

The functions have bodies of the SQL standard: their names were resolved when they were made, which no search path can change, and
PostgreSQL can still inline them.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

UUID = "'^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'"

STATEMENTS = (
    "create schema auth authorization pellucid_accounts",
    "set local role pellucid_accounts",
    "grant usage on schema auth to public",
    """
create function auth.jwt() returns jsonb language sql stable parallel safe
return coalesce(nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::jsonb, '{}'::jsonb)
""",
    f"""
create function auth.uid() returns uuid language sql stable parallel safe
return case when auth.jwt() ->> 'sub' ~ {UUID} then (auth.jwt() ->> 'sub')::uuid end
""",
    """
create function auth.role() returns text language sql stable parallel safe
return coalesce(auth.jwt() ->> 'role', nullif(pg_catalog.current_setting('role', true), 'none'))
""",
    """
create function auth.email() returns text language sql stable parallel safe return auth.jwt() ->> 'email'
""",
    "comment on function auth.jwt() is 'The claims of the access token; an empty object for an anonymous caller.'",
    "comment on function auth.uid() is 'The id of the account that is signed in; null for an anonymous caller.'",
    "comment on function auth.role() is 'The role of the caller.'",
    "comment on function auth.email() is 'The address in the access token.'",
    "reset role",
)


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
