"""The API described: OpenAPI 3.1 for the native profile."""
