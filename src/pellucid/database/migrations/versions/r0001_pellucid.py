"""Pellucid's own schema: ids that sort by time, and the functions that tell of schema changes."""

from alembic import op

revision = "0001"
down_revision = None

NATIVE = "pg_catalog.uuidv7()"
COMPOSED = """pg_catalog.encode(
  pg_catalog.set_bit(
    pg_catalog.set_bit(
      pg_catalog.overlay(
        pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
        pg_catalog.substring(pg_catalog.int8send((extract(epoch from pg_catalog.clock_timestamp()) * 1000)::bigint), 3), 1, 6),
      52, 1),
    53, 1), 'hex')::uuid"""
"""For PostgreSQL before 18: the milliseconds in front of random bits, and version 7 in its four bits (RFC 9562, 5.7)."""

STATEMENTS = (
    "grant usage on schema pellucid to public",
    """
create function pellucid.uuid_v7() returns uuid language sql volatile parallel safe return {uuid_v7}
""",
    """
comment on function pellucid.uuid_v7() is 'A UUID that sorts by the moment it was made (RFC 9562, version 7).'
""",
    """
create function pellucid.tell_ddl() returns event_trigger language plpgsql set search_path = '' as $$
begin
  if tg_tag not in ('REFRESH MATERIALIZED VIEW', 'REINDEX')
     and exists (select from pg_catalog.pg_event_trigger_ddl_commands() c where c.schema_name is distinct from 'pg_temp') then
    perform pg_catalog.pg_notify('pellucid', '');
  end if;
end
$$
""",
    """
create function pellucid.tell_drop() returns event_trigger language plpgsql set search_path = '' as $$
begin
  if exists (select from pg_catalog.pg_event_trigger_dropped_objects() d where not d.is_temporary) then
    perform pg_catalog.pg_notify('pellucid', '');
  end if;
end
$$
""",
)


def upgrade() -> None:
    """Make what the module says."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("select pg_catalog.current_setting('server_version_num')::int").scalar_one()
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement.format(uuid_v7=NATIVE if version >= 180000 else COMPOSED))
