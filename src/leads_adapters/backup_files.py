"""Name, find and publish backup files. A backup gets its final name only when it is complete."""

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

SQLITE, POSTGRESQL = "sqlite", "postgresql"

SUFFIXES = {SQLITE: ".db", POSTGRESQL: ".dump"}

_MAGIC = {b"SQLite format 3\0": SQLITE, b"PGDMP": POSTGRESQL}

_PREFIX = ".leads-unfinished-"

_ABANDONED_SECONDS = 24 * 60 * 60
"""The age at which an unfinished folder counts as left by a killed process."""


class BackupFailed(Exception):
    """A backup or restore failed. The message is a sentence for the operator."""


def kind_of(file: Path) -> str | None:
    """Return the kind of database of a backup file, or None for any other file."""
    with file.open("rb") as stream:
        start = stream.read(16)
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def time_stamp(at: datetime) -> str:
    """Format a time for file names, so that they sort by time and are unique."""
    return f"{at:%Y%m%d-%H%M%S-%f}"


def find_backups(folder: Path, name: str) -> Sequence[Path]:
    """Return the backups of database `name` in a folder, oldest first. Only names from `leads backup` count."""
    pattern = re.compile(re.escape(name) + r"-\d{8}-\d{6}-\d{6}\.(db|dump)")
    return [path for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name) and _is_backup(path)]


def _is_backup(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    kind = kind_of(path)
    return kind is not None and path.suffix == SUFFIXES[kind]


@contextmanager
def unfinished_folder(folder: Path) -> Iterator[Path]:
    """Create a private folder within `folder` for incomplete files, and remove it at the end.

    Also removes such folders that killed processes left more than a day ago.
    """
    _remove_abandoned(folder)
    temporary = Path(mkdtemp(prefix=_PREFIX, dir=folder))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # another backup has just removed it
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def publish(file: Path, target: Path) -> None:
    """Rename a complete file to `target` durably, with mode 600."""
    file.chmod(0o600)
    sync(file)
    file.replace(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Write a file or folder to the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
