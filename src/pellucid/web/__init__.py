"""What every HTTP request crosses: middleware, identity, errors, dependencies."""
