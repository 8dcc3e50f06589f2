"""The accounts: one table of what an account may see of itself, one of what nobody may see."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "set local role pellucid_accounts",
    """
create table auth.users (
  id uuid primary key default pellucid.uuid_v7(),
  email text not null,
  email_verified_at timestamptz,
  role text not null default 'authenticated',
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_sign_in_at timestamptz
)
""",
    "create unique index users_email_key on auth.users (lower(email))",
    """
create table auth.passwords (
  user_id uuid primary key references auth.users on delete cascade,
  hash text not null,
  updated_at timestamptz not null default now()
)
""",
    """
create function auth.touch() returns trigger language plpgsql set search_path = '' as $$
begin
  new.updated_at = pg_catalog.now();
  return new;
end
$$
""",
    "revoke execute on function auth.touch() from public",
    """
create trigger touch before update of email, email_verified_at, role, metadata on auth.users for each row execute function auth.touch()
""",
    "create trigger touch before update on auth.passwords for each row execute function auth.touch()",
    "alter table auth.users enable row level security",
    "alter table auth.passwords enable row level security",
    """
create policy "an account sees itself" on auth.users for select to authenticated using (id = (select auth.uid()))
""",
    """
create policy "the service sees all accounts" on auth.users for select to service_role using (true)
""",
    """
grant select (id, email, email_verified_at, role, metadata, created_at, updated_at, last_sign_in_at)
on auth.users to authenticated, service_role
""",
    "comment on table auth.users is 'The accounts. Each sees itself; service_role sees all.'",
    "comment on table auth.passwords is 'Password hashes. Nobody but pellucid_accounts has any right to them.'",
    "reset role",
)


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
