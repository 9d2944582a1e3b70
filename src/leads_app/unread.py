"""End connections whose clients do not read their response: the server itself waits without a limit."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from leads_adapters.http.request_middleware import SEND_SECONDS


def limit_unread_responses(seconds: float = SEND_SECONDS) -> bool:
    """Have Linux end a connection when the client has accepted no byte of a response for so long.

    The option is set on the listening sockets, and inherited by every connection. Granian does not expose them, so all
    descriptors of the process are searched. Return False if none listens yet.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return True
    return sum(_limit(int(path.name), seconds) for path in Path("/proc/self/fd").iterdir()) > 0


def _limit(number: int, seconds: float) -> bool:
    # Duplicate sockets only: closing a duplicate of a database's file would release SQLite's locks.
    with suppress(OSError):
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as each:
                if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
                    return True
    return False
