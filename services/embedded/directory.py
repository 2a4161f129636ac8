"""The data directory: everything of an installation that must survive a restart, and the lock on it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.embedded.credentials import Credentials
from services.embedded.errors import EmbeddedError


class DirectoryInUseError(EmbeddedError):
    """Another instance runs on the data directory."""


class DataDirectory:
    """Paths below `root`, which is made with mode 0700 where it is missing."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.credentials = Credentials(self.root / "secrets")

    @property
    def postgres(self) -> Path:
        """The home of the embedded server."""
        return self.root / "postgres"

    @property
    def admin_key(self) -> Path:
        """The file with the first administrator's API key."""
        return self.root / "admin.key"

    def folder(self, name: str) -> Path:
        """A service's own folder, there when this returns."""
        folder = self.root / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process. The kernel drops the lock when the process ends, however it ends.

        Raises DirectoryInUseError at once if another process holds it.
        """
        with (self.root / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise DirectoryInUseError(f"{self.root} is in use by process {holder}") from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield
