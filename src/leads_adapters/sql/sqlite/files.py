"""Keep the files of a SQLite database private, and detect when they are replaced."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from leads_adapters.database import Outage

JOURNALS = ("-wal", "-journal")
"""The suffixes of files beside a database that contain a part of it."""

COMPANIONS = (*JOURNALS, "-shm")
"""The suffixes of all files beside a database. SQLite gives them the mode of the database file."""


def make_private(path: Path) -> None:
    """Create an empty database file with mode 600, unless it exists.

    An existing file is not opened: closing it would release the locks that this process has on it.
    """
    with suppress(OSError):  # the file exists, or SQLite reports the error
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def log_size(path: str) -> int:
    """Return the bytes of the write-ahead log of a database, 0 without one."""
    with suppress(OSError):
        return os.stat(f"{path}-wal").st_size  # noqa: PTH116 - faster than a Path; this runs before every long read
    return 0


def readable_by_others(path: Path) -> list[Path]:
    """Return the files of a database that every user of the machine can read."""
    if not path.parent.stat().st_mode & stat.S_IXOTH:
        return []
    files = (path.with_name(path.name + suffix) for suffix in ("", *COMPANIONS))
    return [file for file in files if file.exists() and file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH)]


def replaceable_by_others(path: Path) -> bool:
    """Return whether every user of the machine can rename or delete the files of a database."""
    mode = path.parent.stat().st_mode
    return bool(mode & stat.S_IWOTH and not mode & stat.S_ISVTX)


class FileWatcher:
    """Detects that a database file was deleted or replaced. SQLite would continue to use the unlinked file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        files = (str(path), f"{path}-wal")
        self._known = {file: identity for file in files if (identity := _identity(file))}

    def check(self) -> None:
        """Raise `Outage` if a file was deleted or replaced."""
        for file, identity in self._known.items():
            if _identity(file) != identity:
                advice = "Stop the service and restore a backup with `leads restore`."
                raise Outage(f"The database file {file} was deleted or replaced. {advice}")


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - faster than a Path; this runs before every commit
    except OSError:
        return None
    return found.st_dev, found.st_ino
