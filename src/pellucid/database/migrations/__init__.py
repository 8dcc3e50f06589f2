"""Pellucid's own schemas, step by step. What is here is cheap to import; Alembic is loaded only when there is something to do."""

SCHEMA = "pellucid"
TABLE = "alembic_version"
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""All revisions, the oldest first."""
