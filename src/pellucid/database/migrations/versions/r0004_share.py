"""The function in which requests travel together: one call, one transaction, one commit, and each request as if it were alone.

It runs with the rights of whoever calls it, and only the role that logs in may: that role takes the callers' roles anyway, and nobody
gains a right by the function. Each member has a subtransaction of its own, its own role, claims and settings, and finds nothing that an
earlier member has left in the session. A member that fails, that would wait for a lock, or that nobody has come to when the time is up
is answered with ``done`` false and has left nothing behind, so that it can be run alone.

The search path is set last: what PL/pgSQL evaluates before is then planned once and not for each path anew.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
create function pellucid.share(
  name text, statement text, path text, settings text[], vals text[], parameters text[], width int, patience text, enough int)
returns table (done bool, body text, rows int8, total int8, keys text, replaced int8, status text, headers text)
language plpgsql set search_path = pg_catalog as $$
#variable_conflict use_variable
declare
  until constant timestamptz := pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => enough / 1000.0);
  prepared constant text := pg_catalog.quote_ident('pellucid ' || name);
  call text;
  setting text;
  unused text;
  old text;
  seen int := 0;
  bound int := 0;
begin
  while seen < pg_catalog.cardinality(vals) and pg_catalog.clock_timestamp() < until loop
    call := '';
    for place in bound + 1 .. bound + width loop
      call := call || ',' || pg_catalog.quote_nullable(parameters[place]);
    end loop;
    bound := bound + width;
    call := 'EXECUTE ' || prepared || '(' || pg_catalog.substr(call, 2) || ')';
    begin
      foreach setting in array settings loop
        seen := seen + 1;
        unused := pg_catalog.set_config(setting, vals[seen], true);
      end loop;
      unused := pg_catalog.set_config('lock_timeout', patience, true);
      unused := pg_catalog.set_config('search_path', path, true);
      begin
        execute call into body, rows, total, keys, replaced, status, headers;
      exception when invalid_sql_statement_name then
        for old in select s.name from pg_catalog.pg_prepared_statements s where pg_catalog.starts_with(s.name, 'pellucid ')
                   order by s.prepare_time desc offset 200 loop
          execute 'DEALLOCATE ' || pg_catalog.quote_ident(old);
        end loop;
        execute 'PREPARE ' || prepared || ' AS ' || statement;
        execute call into body, rows, total, keys, replaced, status, headers;
      end;
      set constraints all immediate;
      if status is not null or headers is not null then
        raise exception 'a response of its own is judged before anything is committed';
      end if;
      done := true;
    exception
      when lock_not_available then
        patience := '1ms';
        done := false;
      when others or assert_failure then
        done := false;
    end;
    return next;
    reset all;
    discard temp;
    discard sequences;
    unused := pg_catalog.set_config('search_path', 'pg_catalog', true);
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
