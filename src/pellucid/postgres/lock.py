"""One Pellucid per instance directory."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakSet

from pellucid.errors import StartupError
from pellucid.postgres.directory import InstanceDirectory


class InstanceLock:
    """Holds `DIR/lock` (flock(2)) with this process's id inside; the kernel lets go when the process ends, however it ends.

    A forked child does not hold the lock and cannot release it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = InstanceDirectory.at(directory)
        self._handle: int | None = None

    def acquire(self) -> None:
        """Prepare the directory and take the lock; does nothing when it is held already.

        Raises:
            StartupError: another process holds it (the text names its id), or the directory cannot be used.
        """
        if self._handle is not None:
            return
        self.directory.prepare()
        self._handle = self._lock()
        _held.add(self)

    def release(self) -> None:
        """Let go; does nothing when it is not held."""
        if self._handle is None:
            return
        os.ftruncate(self._handle, 0)
        self._forget()

    def _lock(self) -> int:
        try:
            handle = os.open(self.directory.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise self._unusable(fault) from fault
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip()
            os.close(handle)
            raise self._taken(holder) from None
        except OSError as fault:
            os.close(handle)
            raise self._unusable(fault) from fault
        return handle

    def _taken(self, holder: str) -> StartupError:
        by = f"process {holder}" if holder.isdecimal() else "another process"
        return StartupError(
            f"The instance directory {self.directory.path} is in use by {by}.",
            hint="Stop that process first, or choose another directory with --data.",
        )

    def _unusable(self, fault: OSError) -> StartupError:
        return StartupError(
            f"The lock {self.directory.lock} cannot be taken: {fault.strerror}.",
            hint="Choose a directory on a local disk that you may write to with --data.",
        )

    def _forget(self) -> None:
        _held.discard(self)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


_held: WeakSet[InstanceLock] = WeakSet()


def _forget_in_child() -> None:
    """flock belongs to the open file, which a fork shares: a worker would keep the lock of a dead supervisor."""
    for lock in list(_held):
        lock._forget()  # noqa: SLF001 - the same file


os.register_at_fork(after_in_child=_forget_in_child)
