"""API keys: what programs prove themselves with. A key belongs to an account, or to a service that has none."""
