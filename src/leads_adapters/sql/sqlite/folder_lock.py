"""Lock the folder of a SQLite database, so that a restore can detect whether the database is in use.

SQLite's own locks are not enough: with a rollback journal, an idle connection holds none. Each process that has a
database open holds a shared lock on its folder. The operating system releases it when the process ends. The lock is on
the folder because closing a second descriptor of the file would release SQLite's own locks.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from leads_domain.errors import Unavailable


def lock_while_open(engine: Engine) -> None:
    """Hold the shared lock from the first connection of the engine until the engine is disposed of."""
    folder = Path(str(engine.url.database)).resolve().parent
    descriptors: list[int] = []

    def acquire(*_: Any) -> None:
        if not descriptors:
            with suppress(
                OSError
            ):  # SQLite reports a missing folder; if the file system has no locks, `lock_exclusively` fails
                descriptors.append(
                    _lock(folder, fcntl.LOCK_SH, "a restore is running. Try again when it has finished.")
                )

    def release(_: Engine) -> None:
        while descriptors:
            os.close(descriptors.pop())

    event.listen(engine, "do_connect", acquire)
    event.listen(engine, "engine_disposed", release)


@contextmanager
def lock_exclusively(folder: Path) -> Iterator[None]:
    """Keep other processes from opening a database in the folder. Raises `Unavailable` if a process has one open."""
    descriptor = _lock(folder, fcntl.LOCK_EX, "a process has a database in it open. Stop the service first.")
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path, kind: int, reason: str) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unavailable(f"The folder {folder} is locked: {reason}") from None
    return descriptor
