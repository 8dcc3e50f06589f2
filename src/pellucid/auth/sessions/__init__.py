"""Sessions: who is signed in where, for how long, and how that is proved with cookies, access tokens and refresh tokens."""
