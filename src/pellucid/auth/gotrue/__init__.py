"""``/auth/v1``: the API that Supabase's auth clients speak (GoTrue), as a thin skin over the services."""
