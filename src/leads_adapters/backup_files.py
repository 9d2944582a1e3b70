"""Backups as files: their names, which of them to keep, and how they appear complete or not at all."""

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
"""After how long an unfinished folder belongs to a process that was killed."""


class BackupFailed(Exception):
    """A backup or a restore cannot be done; the message is a sentence for the person at the terminal."""


def kind_of(file: Path) -> str | None:
    """Return the database that a file is a backup of; None for any other file."""
    with file.open("rb") as stream:
        start = stream.read(16)
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def time_stamp(at: datetime) -> str:
    """Return a time as it stands in file names: they sort by it, and no two are the same."""
    return f"{at:%Y%m%d-%H%M%S-%f}"


def backups_in(folder: Path, name: str) -> Sequence[Path]:
    """Return the backups of database `name` in a folder that `leads backup` has named, the oldest first."""
    pattern = re.compile(re.escape(name) + r"-\d{8}-\d{6}-\d{6}\.(db|dump)")
    return [path for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name) and _is_backup(path)]


def _is_backup(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    kind = kind_of(path)
    return kind is not None and path.suffix == SUFFIXES[kind]


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """Make a folder, within another, for files that are not complete yet; only this user can look into it.

    It is removed at the end. What a killed process has left there is removed a day later.
    """
    _remove_abandoned(folder)
    made = Path(mkdtemp(prefix=_PREFIX, dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # another backup has just removed its own
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def publish(file: Path, target: Path) -> None:
    """Give a complete file, which only this user can read, its name; it has that after a power cut, too."""
    file.chmod(0o600)
    sync(file)
    file.replace(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Have the disk keep a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
