"""The function in which requests travel together, once more: one round trip for all of it, and less work for each request.

It is a whole transaction by itself, so it takes the role and everything else that a transaction begins with. ``common`` is what all
members set (names and values by turns), ``settings`` what each brings values for. The statement is given only where this session has not
prepared it yet; a session that has forgotten it fails as a whole with SQLSTATE 26000, so that it is given again.

``auth.uid()`` is what nearly every policy asks, so it is made cheaper by the way.

What is ``quiet`` leaves nothing behind, so nothing has to be undone between two members. After all others the session is made as it was.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

UUID = "'^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'"
CLAIMS = "nullif(pg_catalog.current_setting('request.jwt.claims', true), '')::json"
"""Read as ``json``, for one key of it costs less in this way than making ``jsonb`` of all."""

STATEMENTS = (
    "set local role pellucid_accounts",
    f"""
create or replace function auth.uid() returns uuid language sql stable parallel safe
return case when {CLAIMS} ->> 'sub' ~ {UUID} then ({CLAIMS} ->> 'sub')::uuid end
""",
    "reset role",
    "drop function if exists pellucid.share(text, text, text, text[], text[], text[], int, text, int)",
    """
create function pellucid.share(
  name text, statement text, reads bool, quiet bool, common text[], settings text[], vals text[], parameters text[], width int,
  patience text, enough int)
returns table (done bool, body text, rows int8, total int8, keys text, replaced int8, status text, headers text)
language plpgsql set search_path = pg_catalog as $$
#variable_conflict use_variable
declare
  until constant timestamptz := pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => enough / 1000.0);
  prepared constant text := pg_catalog.quote_ident(name);
  members constant int := pg_catalog.cardinality(vals);
  begun bool := false;
  call text;
  setting text;
  unused text;
  seen int := 0;
  bound int := 0;
begin
  if reads then
    unused := pg_catalog.set_config('transaction_read_only', 'on', true);
  end if;
  while seen < members and (not begun or pg_catalog.clock_timestamp() < until) loop
    if not begun or not quiet then
      for place in 1 .. pg_catalog.cardinality(common) by 2 loop
        unused := pg_catalog.set_config(common[place], common[place + 1], true);
      end loop;
      unused := pg_catalog.set_config('lock_timeout', patience, true);
    end if;
    if not begun and statement is not null
       and not exists (select from pg_catalog.pg_prepared_statements s where s.name = name) then
      execute 'PREPARE ' || prepared || ' AS ' || statement;
    end if;
    begun := true;
    call := '';
    for place in bound + 1 .. bound + width loop
      call := call || ',' || pg_catalog.quote_nullable(parameters[place]);
    end loop;
    bound := bound + width;
    call := 'EXECUTE ' || prepared || case when width > 0 then '(' || pg_catalog.substr(call, 2) || ')' else '' end;
    begin
      foreach setting in array settings loop
        seen := seen + 1;
        unused := pg_catalog.set_config(setting, vals[seen], true);
      end loop;
      execute call into body, rows, total, keys, replaced, status, headers;
      if not quiet then
        set constraints all immediate;
        if status is not null or headers is not null then
          raise exception 'a response of its own is judged before anything is committed';
        end if;
      end if;
      done := true;
    exception
      when lock_not_available then
        patience := '1ms';
        unused := pg_catalog.set_config('lock_timeout', patience, true);
        done := false;
      when invalid_sql_statement_name then
        if not exists (select from pg_catalog.pg_prepared_statements s where s.name = name) then
          raise;
        end if;
        done := false;
      when others or assert_failure then
        done := false;
    end;
    return next;
    if not quiet then
      reset all;
      discard temp;
      discard sequences;
      unused := pg_catalog.set_config('search_path', 'pg_catalog', true);
    end if;
  end loop;
end
$$
""",
    """
comment on function pellucid.share is 'Runs one statement for many requests, each as if alone, in one transaction.'
""",
    "revoke execute on function pellucid.share from public",
    """
do $$ begin
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    grant execute on function pellucid.share to authenticator;
  end if;
end $$
""",
)


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
