"""Let a restore know whether a SQLite database is in use.

SQLite's own locks do not tell: with a rollback journal, an idle connection holds none. So each process that has a
database open holds a shared lock on its folder, which the system releases when the process ends. The folder is locked,
not the file: closing a second descriptor of the file would release the locks of SQLite.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from leads_domain.errors import Unavailable


def hold_while_open(engine: Engine) -> None:
    """Hold the shared lock from the engine's first connection until it is disposed of."""
    folder = Path(str(engine.url.database)).resolve().parent
    held: list[int] = []

    def acquire(*_: Any) -> None:
        if not held:
            with suppress(OSError):  # SQLite reports it; without locks in this file system, `exclusively` fails
                held.append(_lock(folder, fcntl.LOCK_SH, "A database in it is being restored. Try again afterwards."))

    def release(_: Engine) -> None:
        while held:
            os.close(held.pop())

    event.listen(engine, "do_connect", acquire)
    event.listen(engine, "engine_disposed", release)


@contextmanager
def exclusively(folder: Path) -> Iterator[None]:
    """Keep other processes from opening a database in the folder. Raise `Unavailable` if one has."""
    descriptor = _lock(folder, fcntl.LOCK_EX, "A process has a database in it open. Stop the service first.")
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path, kind: int, refusal: str) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unavailable(f"The folder {folder} is in use. {refusal}") from None
    return descriptor
