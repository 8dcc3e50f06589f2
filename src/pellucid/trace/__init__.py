"""Traces: what one request really did, from the socket to the disk, collected while it does it."""
