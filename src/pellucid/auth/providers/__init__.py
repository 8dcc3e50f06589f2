"""Others' accounts: signing in with what people have elsewhere (OpenID Connect Core 1.0, OAuth 2.0 with PKCE, RFC 9700)."""
