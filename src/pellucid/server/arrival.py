"""When and how a request came: what the server notes in its scope (ASGI), for those who want to know where its time went."""

ARRIVAL = "pellucid.arrival"

Arrival = tuple[float, int, tuple[str, int] | None]
"""When all that the request needs to begin had been read (`time.perf_counter`), which request of its connection it is, counted from 1, and
who sent it: the address and port at the other end of the connection, a proxy's where there is one."""
