"""Administration: what operators do with the accounts of others."""
