"""What kinds of password hashes there are, found without looking at each of them.

The kind of a hash is a hash of the same form and cost with a salt and a digest that say nothing, so that it can be read in the same way.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "set local role pellucid_accounts",
    """
create function auth.password_kind(hash text) returns text language sql immutable strict parallel safe
return left(case
  when hash like '$2%' then left(hash, 7) || repeat('.', 53)
  when hash like '%$%$%' then regexp_replace(hash, '[^$]*[$][^$]*$', 'salt$')
    || regexp_replace(substring(hash from '[^$]*$'), '[A-Za-z0-9+/.]', 'a', 'g')
  else '' end, 500)
""",
    "comment on function auth.password_kind is 'What a hash costs, without its salt and its digest.'",
    "revoke execute on function auth.password_kind from public",
    "create index passwords_kind_idx on auth.passwords (auth.password_kind(hash))",
    "reset role",
)


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
