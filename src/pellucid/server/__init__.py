"""Processes and sockets: a supervisor that owns the listening sockets, and the workers it forks.

It knows nothing of the application it serves: it is given callables and a frozen `ServerOptions`.
"""
