"""`RestRequest` and `Catalog` to `Plan`: every name resolved, every question judged. Pure."""
