"""A function of its own for quiet requests that travel together, for they are most of all and need little.

Nothing has to be undone between two of them, and the claims are all that differs, so what is left for each is little more than its own
statement. PL/pgSQL makes each expression of a function ready once in a transaction, so few expressions make a call cheap.

``auth.uid()`` tells an id by its dashes: the regular expression took as long as a third of a small statement. What has the dashes and is
no UUID is an error by now, and no longer nobody.

The function of revision 0006 stays, for servers that are older than this and still run; a later revision removes it. The name of the
statement is part of a format, so it must not have a percent sign in it; it is a hash.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

CLAIMS = "nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::json"

SHARE = "text, text, bool, text[], text[], text[], text[], int, text, int"

RECORD = "(done bool, body text, rows int8, total int8, keys text, replaced int8, status text, headers text)"

# What both functions have in common.

DECLARED = """\
  until constant timestamptz := pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => enough / 1000.0);
  prepared constant text := pg_catalog.quote_ident(name);
  call constant text := 'EXECUTE ' || prepared || case when width > 0 then '(' || pg_catalog.repeat('%L,', width - 1) || '%L)' else '' end;
"""
"""When it is enough, and how one member asks: a format with a place for each parameter."""

CALLED = """\
      execute pg_catalog.format(call, variadic parameters[bound + 1 : bound + width])
        into strict body, rows, total, keys, replaced, status, headers;
"""
"""One record, and no other number of them."""

SENT_AWAY = """\
        done := false; body := null; keys := null;
      when invalid_sql_statement_name then
        if not exists (select from pg_catalog.pg_prepared_statements s where s.name = name) then
          raise;
        end if;
        done := false; body := null; keys := null;
      when others or assert_failure then
        done := false; body := null; keys := null;
    end;
    return next;
    bound := bound + width;
"""
"""Whoever failed is told nothing, and runs alone."""

STATEMENTS = (
    "set local role pellucid_accounts",
    f"""
create or replace function auth.uid() returns uuid language sql stable parallel safe
return case when {CLAIMS} ->> 'sub' like '________-____-____-____-____________' then ({CLAIMS} ->> 'sub')::uuid end
""",
    "reset role",
    f"""
create function pellucid.share(
  name text, statement text, reads bool, common text[], settings text[], vals text[], parameters text[], width int,
  patience text, enough int)
returns table {RECORD}
language plpgsql set search_path = pg_catalog as $$
#variable_conflict use_variable
declare
{DECLARED}  members constant int := pg_catalog.cardinality(vals);
  begun bool := false;
  setting text;
  unused text;
  seen int := 0;
  bound int := 0;
begin
  if reads then
    unused := pg_catalog.set_config('transaction_read_only', 'on', true);
  end if;
  while seen < members and (not begun or pg_catalog.clock_timestamp() < until) loop
    for place in 1 .. pg_catalog.cardinality(common) by 2 loop
      unused := pg_catalog.set_config(common[place], common[place + 1], true);
    end loop;
    unused := pg_catalog.set_config('lock_timeout', patience, true);
    if not begun and statement is not null
       and not exists (select from pg_catalog.pg_prepared_statements s where s.name = name) then
      execute 'PREPARE ' || prepared || ' AS ' || statement;
    end if;
    begun := true;
    begin
      foreach setting in array settings loop
        seen := seen + 1;
        unused := pg_catalog.set_config(setting, vals[seen], true);
      end loop;
{CALLED}      set constraints all immediate;
      if status is not null or headers is not null then
        raise exception 'a response of its own is judged before anything is committed';
      end if;
      done := true;
    exception
      when lock_not_available then
        patience := '1ms';
{SENT_AWAY}    reset all;
    discard temp;
    discard sequences;
    unused := pg_catalog.set_config('search_path', 'pg_catalog', true);
  end loop;
end
$$
""",
    f"""
create function pellucid.share_quiet(
  name text, statement text, reads bool, common text[], claims text[], parameters text[], width int, patience text, enough int)
returns table {RECORD}
language plpgsql set search_path = pg_catalog as $$
#variable_conflict use_variable
declare
{DECLARED}  caller text;
  unused text;
  bound int := 0;
begin
  if reads then
    unused := pg_catalog.set_config('transaction_read_only', 'on', true);
  end if;
  for place in 1 .. pg_catalog.cardinality(common) by 2 loop
    unused := pg_catalog.set_config(common[place], common[place + 1], true);
  end loop;
  unused := pg_catalog.set_config('lock_timeout', patience, true);
  if statement is not null and not exists (select from pg_catalog.pg_prepared_statements s where s.name = name) then
    execute 'PREPARE ' || prepared || ' AS ' || statement;
  end if;
  foreach caller in array claims loop
    begin
      unused := pg_catalog.set_config('request.jwt.claims', caller, true);
{CALLED}      done := true;
    exception
      when lock_not_available then
        unused := pg_catalog.set_config('lock_timeout', '1ms', true);
{SENT_AWAY}    exit when pg_catalog.clock_timestamp() >= until;
  end loop;
end
$$
""",
    f"""
comment on function pellucid.share({SHARE}) is 'Runs one statement for many requests, each as if alone, in one transaction.'
""",
    """
comment on function pellucid.share_quiet is 'The same for requests that leave nothing behind and differ in their claims alone.'
""",
    f"revoke execute on function pellucid.share({SHARE}), pellucid.share_quiet from public",
    f"""
do $$ begin
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    grant execute on function pellucid.share({SHARE}), pellucid.share_quiet to authenticator;
  end if;
end $$
""",
)


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
