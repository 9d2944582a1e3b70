"""Limit the number of connections of the server, and the time they wait for a request."""

import resource
from contextlib import suppress
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

CONNECTIONS_MAX = 10_000
"""The maximum number of connections in one process. Further connections wait."""

HEAD_SECONDS = 10
"""The time for a complete request head, from the start of the connection or the last response."""

HEAD_MAX = 2**15
"""The maximum size of a request head in bytes."""

_BACKLOG = 1024
_OTHER_FILES = 200
"""Open files of a process besides its connections: database, attempts, libraries."""


def connection_limit() -> int:
    """Raise the limit of open files as far as the system allows; return the number of connections that fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return CONNECTIONS_MAX
    raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES, 1)


def low_limit_warning(connections: int) -> str | None:
    """Return a warning for the operator if fewer than `CONNECTIONS_MAX` connections fit."""
    if connections >= CONNECTIONS_MAX:
        return None
    return (
        f"The limit of open files allows {connections} connections instead of {CONNECTIONS_MAX}. "
        f"Raise it to {CONNECTIONS_MAX + _OTHER_FILES} (ulimit -n, LimitNOFILE)."
    )


def server_options(head_seconds: float = HEAD_SECONDS) -> dict[str, Any]:
    """Return the options of the Granian servers.

    HTTP/1.1 only: with HTTP/2, a few connections can use all memory, and idle connections are never closed.
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
