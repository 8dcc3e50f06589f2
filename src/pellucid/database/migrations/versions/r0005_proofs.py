"""Every way to prove who is asking: sessions, refresh tokens, one-time tokens, factors, passkeys, others' accounts, keys; and what
watches over them: counters of attempts, the audit log, mails to be sent.

Secrets stand here as SHA-256 hashes, or as what only proves and cannot be shown (public keys). Row level security is on everywhere;
what a table tells of itself beyond its owner is granted column by column, and no secret column is. Whoever ends a session, by whatever
way, tells every worker: a trigger writes its id down and notifies.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

ID = "id uuid primary key default pellucid.uuid_v7()"
OWNER = "user_id uuid not null references auth.users on delete cascade"
SINCE = "created_at timestamptz not null default now()"
OBJECT = "jsonb not null default '{}' check (jsonb_typeof(%s) = 'object')"

USERS = (
    "alter table auth.users alter column email drop not null",
    f"""
alter table auth.users
  add column phone text unique,
  add column phone_verified_at timestamptz,
  add column is_anonymous boolean not null default false,
  add column app_metadata {OBJECT % "app_metadata"},
  add column banned_until timestamptz,
  add column new_email text,
  add column invited_at timestamptz,
  add column verification_sent_at timestamptz,
  add column recovery_sent_at timestamptz,
  add column email_change_sent_at timestamptz
""",
    "drop trigger touch on auth.users",
    """
create trigger touch before update of
  email, email_verified_at, role, metadata, phone, phone_verified_at, is_anonymous, app_metadata, banned_until, new_email
on auth.users for each row execute function auth.touch()
""",
    """
grant select (phone, phone_verified_at, is_anonymous, app_metadata, banned_until, new_email, invited_at)
on auth.users to authenticated, service_role
""",
    "comment on table auth.passwords is 'Password hashes. Nobody but pellucid_accounts has any right to them.'",
)

SESSIONS = (
    f"""
create table auth.sessions (
  id uuid primary key default gen_random_uuid(),
  {OWNER},
  aal text not null default 'aal1' check (aal in ('aal1', 'aal2')),
  amr jsonb not null default '[]' check (jsonb_typeof(amr) = 'array'),
  cookie_hash bytea unique,
  refresh_key bytea not null,
  impersonator uuid,
  address text,
  agent text,
  {SINCE},
  proved_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  idle_ends_at timestamptz not null,
  ends_at timestamptz not null,
  revoked_at timestamptz
)
""",
    "create index sessions_user_id_idx on auth.sessions (user_id)",
    "create index sessions_idle_ends_at_idx on auth.sessions (idle_ends_at)",
    f"""
create table auth.refresh_tokens (
  hash bytea primary key,
  session_id uuid not null references auth.sessions on delete cascade,
  {SINCE},
  used_at timestamptz
)
""",
    "create index refresh_tokens_session_id_idx on auth.refresh_tokens (session_id)",
    "create table auth.revoked_sessions (id uuid primary key, revoked_at timestamptz not null default clock_timestamp())",
    "create index revoked_sessions_revoked_at_idx on auth.revoked_sessions (revoked_at)",
    """
create function auth.tell_revoked() returns trigger language plpgsql set search_path = '' as $$
begin
  insert into auth.revoked_sessions (id) values (old.id) on conflict do nothing;
  perform pg_catalog.pg_notify('pellucid_sessions', old.id::text);
  return null;
end
$$
""",
    "revoke execute on function auth.tell_revoked() from public",
    """
create trigger revoked after update of revoked_at on auth.sessions for each row
when (old.revoked_at is null and new.revoked_at is not null) execute function auth.tell_revoked()
""",
    """
create trigger deleted after delete on auth.sessions for each row
when (old.revoked_at is null and old.ends_at > now()) execute function auth.tell_revoked()
""",
    """
grant select (id, user_id, aal, amr, impersonator, address, agent, created_at, proved_at, last_used_at, idle_ends_at, ends_at, revoked_at)
on auth.sessions to authenticated, service_role
""",
    "comment on table auth.sessions is 'Who is signed in where. The cookie and the refresh tokens are stored hashed.'",
    "comment on table auth.refresh_tokens is 'The refresh tokens of each session, hashed; a used one stays, so that its reuse is seen.'",
    "comment on table auth.revoked_sessions is 'Sessions that ended early, for as long as an access token of theirs may be about.'",
)

ONE_TIME = (
    f"""
create table auth.one_time_tokens (
  {ID},
  user_id uuid references auth.users on delete cascade,
  purpose text not null,
  target text not null,
  hash bytea unique not null,
  code_hash bytea,
  attempts int not null default 0,
  data {OBJECT % "data"},
  {SINCE},
  expires_at timestamptz not null,
  used_at timestamptz
)
""",
    "create index one_time_tokens_target_idx on auth.one_time_tokens (target, purpose)",
    "create index one_time_tokens_user_id_idx on auth.one_time_tokens (user_id)",
    "create index one_time_tokens_expires_at_idx on auth.one_time_tokens (expires_at)",
    f"""
create table auth.outbox (
  {ID},
  purpose text not null,
  target text not null,
  user_id uuid references auth.users on delete cascade,
  data {OBJECT % "data"},
  {SINCE},
  due_at timestamptz not null default now(),
  attempts int not null default 0
)
""",
    "create index outbox_due_at_idx on auth.outbox (due_at)",
    f"""
create table auth.inbox (
  {ID}, sender text not null, recipient text not null, subject text not null, body text not null, html text, {SINCE}
)
""",
    "comment on table auth.one_time_tokens is 'What was mailed and is good once: links and codes, hashed.'",
    "comment on table auth.outbox is 'Mails to be made and sent. They hold no secret: links and codes are made when a mail is sent.'",
    "comment on table auth.inbox is 'In development, the mails that were not sent.'",
)

FACTORS = (
    f"""
create table auth.factors (
  {ID},
  {OWNER},
  kind text not null check (kind in ('totp', 'phone', 'webauthn')),
  name text,
  verified_at timestamptz,
  secret bytea,
  phone text,
  last_step bigint,
  {SINCE},
  updated_at timestamptz not null default now(),
  last_used_at timestamptz
)
""",
    "create index factors_user_id_idx on auth.factors (user_id)",
    "create unique index factors_name_key on auth.factors (user_id, name)",
    f"""
create table auth.challenges (
  {ID},
  user_id uuid references auth.users on delete cascade,
  factor_id uuid references auth.factors on delete cascade,
  purpose text not null,
  hash bytea,
  data {OBJECT % "data"},
  attempts int not null default 0,
  address text,
  {SINCE},
  expires_at timestamptz not null,
  used_at timestamptz
)
""",
    "create index challenges_factor_id_idx on auth.challenges (factor_id)",
    "create index challenges_user_id_idx on auth.challenges (user_id)",
    "create unique index challenges_hash_key on auth.challenges (hash)",
    "create index challenges_expires_at_idx on auth.challenges (expires_at)",
    f"create table auth.recovery_codes ({OWNER}, hash bytea not null, {SINCE}, used_at timestamptz, primary key (user_id, hash))",
    f"""
create table auth.webauthn_credentials (
  {ID},
  {OWNER},
  factor_id uuid references auth.factors on delete cascade,
  credential_id bytea unique not null,
  public_key bytea not null,
  sign_count bigint not null default 0,
  transports text[] not null default '{{}}',
  aaguid uuid,
  backup_eligible boolean not null default false,
  backed_up boolean not null default false,
  discoverable boolean not null default false,
  name text,
  {SINCE},
  last_used_at timestamptz
)
""",
    "create index webauthn_credentials_user_id_idx on auth.webauthn_credentials (user_id)",
    "create index webauthn_credentials_factor_id_idx on auth.webauthn_credentials (factor_id)",
    """
grant select (id, user_id, kind, name, verified_at, created_at, updated_at, last_used_at)
on auth.factors to authenticated, service_role
""",
    """
grant select (id, user_id, factor_id, transports, aaguid, backup_eligible, backed_up, discoverable, name, created_at, last_used_at)
on auth.webauthn_credentials to authenticated, service_role
""",
    "comment on table auth.factors is 'Second factors of the accounts.'",
    "comment on table auth.challenges is 'What a caller has to answer, once and in time.'",
    "comment on table auth.recovery_codes is 'Codes for whoever has lost a factor, hashed, each good once.'",
    "comment on table auth.webauthn_credentials is 'Passkeys and security keys: their public halves (WebAuthn, level 2).'",
)

OTHERS = (
    f"""
create table auth.identities (
  {ID},
  {OWNER},
  provider text not null,
  subject text not null,
  email text,
  email_verified boolean not null default false,
  data {OBJECT % "data"},
  {SINCE},
  updated_at timestamptz not null default now(),
  last_sign_in_at timestamptz,
  unique (provider, subject)
)
""",
    "create index identities_user_id_idx on auth.identities (user_id)",
    f"""
create table auth.flow_states (
  {ID},
  provider text not null,
  user_id uuid references auth.users on delete cascade,
  state_hash bytea unique,
  browser_hash bytea,
  code_hash bytea unique,
  code_challenge text,
  code_challenge_method text,
  data {OBJECT % "data"},
  {SINCE},
  expires_at timestamptz not null,
  used_at timestamptz
)
""",
    "create index flow_states_user_id_idx on auth.flow_states (user_id)",
    "create index flow_states_expires_at_idx on auth.flow_states (expires_at)",
    f"""
create table auth.api_keys (
  {ID},
  user_id uuid references auth.users on delete cascade,
  name text not null,
  prefix text not null,
  hash bytea unique not null,
  role text not null,
  scopes text[] not null default '{{}}',
  created_by uuid,
  {SINCE},
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
)
""",
    "create index api_keys_user_id_idx on auth.api_keys (user_id)",
    """
create trigger revoked after update of revoked_at on auth.api_keys for each row
when (old.revoked_at is null and new.revoked_at is not null) execute function auth.tell_revoked()
""",
    """
create trigger deleted after delete on auth.api_keys for each row
when (old.revoked_at is null) execute function auth.tell_revoked()
""",
    """
grant select (id, user_id, provider, subject, email, email_verified, data, created_at, updated_at, last_sign_in_at)
on auth.identities to authenticated, service_role
""",
    """
grant select (id, user_id, name, prefix, role, scopes, created_by, created_at, expires_at, last_used_at, revoked_at)
on auth.api_keys to authenticated, service_role
""",
    "comment on table auth.identities is 'The accounts that people have elsewhere and sign in with.'",
    "comment on table auth.flow_states is 'Sign-ins under way at other providers, and codes that are exchanged for a session.'",
    "comment on table auth.api_keys is 'Keys for programs, hashed; each is shown once, when it is made.'",
)

WATCH = (
    "create table auth.attempts (subject text primary key, count int not null, free_at timestamptz not null, last_at timestamptz not null)",
    """
create table auth.password_cost (
  one boolean primary key default true check (one), passes int not null, memory int not null, lanes int not null,
  measured_at timestamptz not null default now()
)
""",
    "comment on table auth.password_cost is 'What a hash costs, as it was measured; delete the row to have it measured again.'",
    "create index attempts_last_at_idx on auth.attempts (last_at)",
    f"""
create table auth.audit_log (
  {ID},
  at timestamptz not null default clock_timestamp(),
  event text not null,
  user_id uuid,
  actor_id uuid,
  session_id uuid,
  address text,
  agent text,
  details {OBJECT % "details"}
)
""",
    "create index audit_log_at_idx on auth.audit_log (at)",
    "create index audit_log_user_id_idx on auth.audit_log (user_id, at)",
    """
grant select (id, at, event, user_id, actor_id, session_id, address, agent, details) on auth.audit_log to service_role
""",
    "comment on table auth.attempts is 'How often somebody tried something lately; the subject is hashed.'",
    "comment on table auth.audit_log is 'Every event that matters for security, for as long as the settings say.'",
)

SECRET = (
    "refresh_tokens",
    "revoked_sessions",
    "one_time_tokens",
    "outbox",
    "inbox",
    "challenges",
    "recovery_codes",
    "flow_states",
    "attempts",
    "password_cost",
)
"""Tables that nobody but their owner has any right to."""
OWN_ROWS = ("sessions", "factors", "webauthn_credentials", "identities", "api_keys")
"""Tables of which an account may see the harmless columns of its own rows."""


def _guards() -> tuple[str, ...]:
    """Row level security everywhere, and the policies of what may be seen."""
    watched = (*SECRET, *OWN_ROWS, "audit_log")
    return (
        *(f"alter table auth.{table} enable row level security" for table in watched),
        *(
            f'create policy "an account sees its own" on auth.{table} for select to authenticated '
            "using (user_id = (select auth.uid()))"
            for table in OWN_ROWS
        ),
        *(
            f'create policy "the service sees all" on auth.{table} for select to service_role using (true)'
            for table in (*OWN_ROWS, "audit_log")
        ),
    )


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    parts = (USERS, SESSIONS, ONE_TIME, FACTORS, OTHERS, WATCH, _guards())
    for statement in ("set local role pellucid_accounts", *(each for part in parts for each in part), "reset role"):
        connection.exec_driver_sql(statement)
