"""`Plan` to SQL text and parameters. Pure. Identifiers come from the catalog, everything of the client's is a parameter.

The one name of a client's that reaches the text is an alias of ``select``: it becomes a quoted output name and nothing else.
"""
