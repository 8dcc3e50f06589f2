"""The accounts' routes for people: one thin skin over the services."""
