"""Measures Pellucid against the least that the same server can do, in one run on one machine."""
