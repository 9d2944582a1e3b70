"""End connections whose clients do not read: the server waits for them without end."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from leads_adapters.http.streaming import SEND_SECONDS


def end_unread_connections(seconds: float = SEND_SECONDS) -> bool:
    """Have Linux end a connection once nothing of a response gets through to the client for so long.

    Set at the sockets that listen, of which granian shows none: every connection inherits it. Return False if none
    listens yet.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return True
    return sum(_end_unread(int(path.name), seconds) for path in Path("/proc/self/fd").iterdir()) > 0


def _end_unread(number: int, seconds: float) -> bool:
    # Only sockets are duplicated: a duplicate of a database's file would stay open, or drop SQLite's locks.
    with suppress(OSError):
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as each:
                if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
                    return True
    return False
