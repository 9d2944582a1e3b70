"""Close connections whose clients do not read the response: the server itself waits without a limit."""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from leads_adapters.http.request_middleware import SEND_SECONDS


def limit_unread_responses(seconds: float = SEND_SECONDS) -> bool:
    """Let Linux close a connection whose client has accepted no byte of a response for `seconds`.

    The option is set on the listening sockets, and connections inherit it. Granian does not expose its sockets, so all
    descriptors of the process are searched. Return False if no socket listens yet.
    """
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return True
    return sum(_limit(int(path.name), seconds) for path in Path("/proc/self/fd").iterdir()) > 0


def _limit(number: int, seconds: float) -> bool:
    # Duplicate sockets only: closing a duplicate of a database file would release SQLite's locks.
    with suppress(OSError):
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as listener:
                if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))
                    return True
    return False
