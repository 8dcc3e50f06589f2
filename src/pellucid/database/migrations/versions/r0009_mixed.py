"""A function in which quiet requests travel together whatever their statements are.

Each member brings the whole command that asks for it, ``EXECUTE`` with its values, and the first of those whose statement this session
has not prepared yet also the ``PREPARE``. Where that fails, as for a table that somebody has dropped, its own members alone meet a
statement that is not there: they are sent away with SQLSTATE 26000, so that it is given again, and the others are answered.

Who is sent away says why in ``status``, and each tells how many seconds it took. A call that is stopped ends the member that it has come to
(SQLSTATE 57014): those before it are answered, those behind it run alone.

Commands that come ready made are cheaper than a format with its values, so one statement that comes many times travels like this too. The
function runs them with the rights of whoever calls it, so nobody gains one by it.

``share_quiet`` of revision 0008 stays, for servers that are older than this and still run; a later revision removes it, and the ``share``
of revision 0006 with it.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

RECORD = (
    "(done bool, body text, rows int8, total int8, keys text, replaced int8, status text, headers text, seconds float8)"
)

STATEMENTS = (
    f"""
create function pellucid.share_mixed(
  prepares text[], calls text[], reads bool, common text[], claims text[], patience text, enough int)
returns table {RECORD}
language plpgsql set search_path = pg_catalog as $$
#variable_conflict use_variable
declare
  since timestamptz := pg_catalog.clock_timestamp();
  until constant timestamptz := since + pg_catalog.make_interval(secs => enough / 1000.0);
  tick timestamptz;
  caller text;
  unused text;
  seen int := 0;
begin
  if reads then
    unused := pg_catalog.set_config('transaction_read_only', 'on', true);
  end if;
  for place in 1 .. pg_catalog.cardinality(common) by 2 loop
    unused := pg_catalog.set_config(common[place], common[place + 1], true);
  end loop;
  unused := pg_catalog.set_config('lock_timeout', patience, true);
  foreach caller in array claims loop
    seen := seen + 1;
    begin
      unused := pg_catalog.set_config('request.jwt.claims', caller, true);
      if prepares[seen] is not null then
        begin
          execute prepares[seen];
        exception when others then
          null;
        end;
      end if;
      execute calls[seen] into strict body, rows, total, keys, replaced, status, headers;
      done := true;
    exception
      when others or assert_failure or query_canceled then
        if sqlstate in ('55P03', '26000') then
          unused := pg_catalog.set_config('lock_timeout', '1ms', true);
        end if;
        done := false; body := null; keys := null; status := sqlstate;
    end;
    tick := pg_catalog.clock_timestamp();
    seconds := pg_catalog.date_part('epoch', tick - since);
    since := tick;
    return next;
    exit when tick >= until;
  end loop;
end
$$
""",
    """
comment on function pellucid.share_mixed is 'Runs a statement for each of many requests that leave nothing behind, in one transaction.'
""",
    "revoke execute on function pellucid.share_mixed from public",
    """
do $$ begin
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    grant execute on function pellucid.share_mixed to authenticator;
  end if;
end $$
""",
)


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
