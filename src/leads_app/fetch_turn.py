"""Let one of several worker processes fetch mail."""

import fcntl
from tempfile import TemporaryFile


class FetchTurn:
    """A turn that one process takes and keeps until it ends. Its forked children compete for it.

    Fetching twice would do no harm, but would double the logins at the mail server. The lock is one of POSIX: unlike
    those of `flock`, it belongs to a process, although all have inherited the same file.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the process, and its children

    def take(self) -> bool:
        """Return whether this process has the turn."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
