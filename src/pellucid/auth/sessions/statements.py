"""The statements of sessions in which looking and changing must be one: SQL, for the database is where all nodes meet."""

from sqlalchemy import text

LIVES = "s.revoked_at is null and s.idle_ends_at > clock_timestamp() and s.ends_at > clock_timestamp()"

KEY_OF = text("""
select s.refresh_key from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id where t.hash = :hash
""")
"""What the successor is derived with. It never changes, so nothing is lost by reading it first."""

ROTATE = text(f"""
with used as (
  update auth.refresh_tokens t set used_at = coalesce(t.used_at, clock_timestamp())
  from auth.sessions s
  where t.hash = :hash and s.id = t.session_id and {LIVES}
  returning t.session_id, t.used_at > clock_timestamp() - make_interval(secs => :grace) as fresh
), successor as (
  insert into auth.refresh_tokens (hash, session_id) select :successor, session_id from used where fresh on conflict do nothing
), touched as (
  update auth.sessions s set
    last_used_at = case when used.fresh then clock_timestamp() else s.last_used_at end,
    idle_ends_at = case when used.fresh then clock_timestamp() + make_interval(secs => :idle) else s.idle_ends_at end,
    address = case when used.fresh then coalesce(:address, s.address) else s.address end,
    agent = case when used.fresh then coalesce(:agent, s.agent) else s.agent end,
    revoked_at = case when used.fresh then s.revoked_at else clock_timestamp() end
  from used where s.id = used.session_id
)
select session_id, fresh from used
""")
"""Use a refresh token. The first use marks it and leaves a successor; others within the grace find both. A later one ends the session.
The mark is one row's update, so that a hundred at once queue for it and agree on who was first."""

TOUCH = text(f"""
with noted as (
  update auth.sessions s set
    last_used_at = clock_timestamp(), idle_ends_at = clock_timestamp() + make_interval(secs => :idle)
  where s.cookie_hash = :hash and {LIVES} and s.last_used_at < clock_timestamp() - interval '1 minute'
)
select s.id from auth.sessions s where s.cookie_hash = :hash and {LIVES}
""")
"""Find a session by its cookie, and note that it is in use, once a minute at most."""

REVOKE = text("""
update auth.sessions set revoked_at = clock_timestamp()
where user_id = :user_id and revoked_at is null
  and (cast(:only as uuid) is null or id = :only) and (cast(:but as uuid) is null or id <> :but)
returning id
""")
"""End sessions of an account: one, all but one, or all."""

HAS_FACTOR = text("select exists (select from auth.factors where user_id = :user_id and verified_at is not null)")
