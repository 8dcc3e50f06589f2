"""The deep look at what PostgreSQL does for one request: plans, locks, the write-ahead log, pages.

A `Lookout` belongs to a process, a `Watcher` to a request: ``witness.set(Watcher(lookout))``.
"""

from pellucid.trace.witness.lookout import Lookout
from pellucid.trace.witness.watcher import Watcher

__all__ = ["Lookout", "Watcher"]
