"""The data API: a pipeline from an HTTP request to one SQL statement and back."""
