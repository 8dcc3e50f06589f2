"""Mail: what is to be sent is written down with what it belongs to, made and sent afterwards, and in development shown on a page."""
