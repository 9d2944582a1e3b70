"""Read the messages of a folder that a mail server delivers to (Maildir).

`mailbox.Maildir` of the standard library reads whole messages and rewrites them to set a flag. Here a message is
read up to a limit, and marked by a rename.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from leads_domain.incoming_mail import MAIL_BYTES_MAX
from leads_domain.mail_source import MailSourceUnavailable, Take

_NEW, _CURRENT = "new", "cur"
_INFO = ":2,"
_SEEN, _TRASHED = "S", "T"


class Maildir:
    """A folder with the folders `new` and `cur`. Seen messages are those in `cur` whose name has the flag `S`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left: set[str] = set()

    def deliver(self, take: Take, limit: int) -> int:
        """See `MailSource.deliver`. Files that cannot be read stay unseen, and are reported at the end."""
        stored = 0
        unreadable: list[OSError] = []
        with self._explained():
            unseen = self._unseen()
        for file in unseen[:limit]:
            try:
                message = _read(file)
            except FileNotFoundError:  # another process has marked it, or a person has deleted it
                continue
            except OSError as error:
                unreadable.append(error)
                self._left.add(_unique(file))
                continue
            if take(message):
                with self._explained():
                    self._mark_seen(file)
                stored += 1
            else:
                self._left.add(_unique(file))
        if unreadable:
            raise self._unavailable(unreadable[0])
        return stored

    def check(self) -> None:
        """Check that messages can be read and marked."""
        with self._explained():
            self._unseen()
        for name in (_NEW, _CURRENT):
            if not os.access(self._folder / name, os.W_OK | os.X_OK):
                message = f"The folder {self._folder / name} is not writable, so messages cannot be marked as seen."
                raise MailSourceUnavailable(message)

    def _unseen(self) -> Sequence[Path]:
        """Return the unseen messages by age, those that could not be stored before behind all others."""
        waiting = [*_files(self._folder / _NEW), *filter(_is_unseen, _files(self._folder / _CURRENT))]
        self._left &= {*map(_unique, waiting)}
        return sorted(waiting, key=lambda file: (_unique(file) in self._left, _arrival(file), file.name))

    def _mark_seen(self, file: Path) -> None:
        name, _, flags = file.name.partition(_INFO)
        marked = self._folder / _CURRENT / f"{name}{_INFO}{''.join(sorted({*flags, _SEEN}))}"
        try:
            file.rename(marked)
        except FileNotFoundError:  # another process or a mail program has renamed it
            for moved in self._unseen():
                if _unique(moved) == name:
                    self._mark_seen(moved)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: OSError) -> MailSourceUnavailable:
        name = os.fsencode(error.filename or self._folder).decode(errors="replace")
        return MailSourceUnavailable(f"{name} cannot be read: {error.strerror}.")


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.iterdir() if not file.name.startswith("."))


def _is_unseen(file: Path) -> bool:
    flags = file.name.partition(_INFO)[2]
    return _SEEN not in flags and _TRASHED not in flags


def _unique(file: Path) -> str:
    return file.name.partition(_INFO)[0]


def _arrival(file: Path) -> int:
    try:
        return file.lstat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _read(file: Path) -> bytes:
    """Return the start of a regular file. Anything else, such as a pipe, is an error, and is not waited for."""
    number = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", str(file))
        with open(number, "rb", closefd=False) as opened:
            return opened.read(MAIL_BYTES_MAX)
    finally:
        os.close(number)
