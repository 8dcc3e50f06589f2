"""Accounts: sign-up, sign-in, access tokens and the keys that sign them."""
