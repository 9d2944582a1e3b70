"""End connections whose clients do not read: the server waits for them without end."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from leads_adapters.http.streaming import SEND_SECONDS


def end_unread_connections(seconds: float = SEND_SECONDS) -> None:
    """Have Linux end a connection once nothing of a response gets through to the client for so long.

    Set at the sockets that listen, of which granian shows none: every connection inherits it.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    for path in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):
            _end_unread(int(path.name), seconds)


def _end_unread(number: int, seconds: float) -> None:
    # Only sockets are duplicated: a duplicate of a database's file would stay open, or drop SQLite's locks.
    if stat.S_ISSOCK(os.fstat(number).st_mode):
        with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as each:
            if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
