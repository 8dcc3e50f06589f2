"""Who may do what: reading it off the database, checking it, and writing the usual rules. PostgreSQL itself decides."""
