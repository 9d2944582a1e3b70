"""Write files completely or not at all, readable by their owner only."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EPERM
from pathlib import Path
from typing import BinaryIO


def create_file(path: Path) -> tuple[Path, BinaryIO]:
    """Create a file with this name or, if the name is taken, also by a link, with the next free number."""
    number, free = 1, path
    while True:
        try:
            return free, os.fdopen(os.open(free, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except FileExistsError:
            number += 1
            free = path.with_stem(f"{path.stem}-{number}")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing. It gets its name, or its new content, only when it is complete.

    Symbolic links are followed, and an existing file keeps its mode, unless another user has put them there. Pipes and
    devices are written directly.
    """
    _check_owner(path)
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    try:
        descriptor, name = tempfile.mkstemp(prefix="leads-", suffix=".unfinished", dir=target.parent)
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(descriptor)
            if target.exists():
                unfinished.chmod(stat.S_IMODE(target.stat().st_mode))
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _check_owner(path: Path) -> None:
    """Raise `PermissionError` for a link or file of another user, who could choose where the content goes."""
    for found in {path, Path(os.path.realpath(path))}:
        if os.path.lexists(found) and found.lstat().st_uid not in (0, os.geteuid()):
            raise PermissionError(EPERM, "It belongs to another user. Delete it, or choose another name", str(path))
