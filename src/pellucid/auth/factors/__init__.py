"""Second factors: codes of an app (TOTP), passkeys and security keys (WebAuthn), recovery codes; and sign-in with a passkey alone."""
