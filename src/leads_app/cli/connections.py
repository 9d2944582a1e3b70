"""How many connections the server holds, and how long it keeps one that sends nothing."""

import resource
from contextlib import suppress
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

CONNECTIONS_MAX = 10_000
"""The connections that one process holds at once; more wait until one ends."""

HEAD_SECONDS = 10
"""The time a client has to send a complete request head, from the connection's start or the last response on."""

HEAD_MAX = 2**15
"""The size of a request head in bytes."""

_BACKLOG = 1024
_OTHER_FILES = 200
"""Files that a process has open besides its connections: database, deliveries, libraries."""


def connection_limit() -> int:
    """Return how many connections fit the limit of open files, which is raised first as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return CONNECTIONS_MAX
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES, 1)


def low_limit_warning(connections: int) -> str | None:
    """Return what to tell the operator if fewer connections fit than the service is made for."""
    if connections >= CONNECTIONS_MAX:
        return None
    return (
        f"The limit of open files leaves room for {connections} connections instead of {CONNECTIONS_MAX}. "
        f"Raise it to {CONNECTIONS_MAX + _OTHER_FILES} (ulimit -n, LimitNOFILE)."
    )


def server_options(head_seconds: float = HEAD_SECONDS) -> dict[str, Any]:
    """Return the options of granian's servers.

    HTTP/1.1 only: with HTTP/2 a few connections can take all memory, and a silent one is never closed.
    """
    return {
        "interface": Interfaces.ASGI,
        "http": HTTPModes.http1,
        "http1_settings": HTTP1Settings(header_read_timeout=int(head_seconds * 1000), max_buffer_size=HEAD_MAX),
        "backlog": _BACKLOG,
        "backpressure": connection_limit(),
        "websockets": False,
        "log_enabled": False,
    }
