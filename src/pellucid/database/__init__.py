"""Everything between a request and PostgreSQL: engine, pool, sessions, catalog, migrations. It knows a DSN and nothing of who runs it."""
