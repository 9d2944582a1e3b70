"""Read bodies within limits of size and time, which neither Litestar nor the server has."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any, cast

from litestar.types import HTTPReceiveMessage, HTTPScope, Receive

from leads_adapters.http.headers import header
from leads_adapters.http.problems import MalformedRequest, PayloadTooLarge, RequestTimeout

BODY_IDLE_SECONDS = 10.0
"""The longest pause in the middle of a body."""

BODY_SECONDS = 60.0
"""The longest time for a whole body."""

DRAIN_MAX = 8 * 2**20
"""The number of bytes to read beyond the limit before a body is refused."""

DRAIN_SECONDS = 5.0
"""The longest time to read them."""

CLOSE = {"connection": "close"}

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_IS_READ = "body_is_read"
"""A key in the state of a request whose body was read to its end."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The limits of a body: its size in bytes, its longest pause, and its longest time in total."""

    max_length: int
    idle_seconds: float = BODY_IDLE_SECONDS
    seconds: float = BODY_SECONDS


def leaves_body_unread(scope: Mapping[str, Any]) -> bool:
    """Return whether a body was not read to its end. The server closes its connection after the response."""
    if scope["method"] in _WITHOUT_BODY or _IS_READ in scope["state"]:
        return False
    return header(scope, b"transfer-encoding") is not None or header(scope, b"content-length") not in {None, "0"}


async def receive_body(scope: HTTPScope, receive: Receive, limits: BodyLimits) -> AsyncIterator[bytes]:
    """Yield the pieces of a body, never empty. Raises `Problem` if it is too large, too slow or incomplete."""
    await _check_length(scope, receive, limits.max_length)
    now = asyncio.get_running_loop().time
    deadline, left, more = now() + limits.seconds, limits.max_length, True
    while more:
        try:
            async with asyncio.timeout_at(min(deadline, now() + limits.idle_seconds)):
                message = cast(HTTPReceiveMessage, await receive())
        except TimeoutError:
            whole = "" if limits.seconds == inf else f", and the whole body may take {limits.seconds:.0f} s"
            detail = f"The body arrived too slowly. Pauses may last {limits.idle_seconds:.0f} s{whole}."
            raise RequestTimeout(detail, headers=CLOSE) from None
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The connection was closed before the body was complete.")
        left, more = left - len(message["body"]), message["more_body"]
        if not more:
            scope["state"][_IS_READ] = True
        if left < 0:
            raise _too_large(limits.max_length, whole=not more or await _drain(scope, receive, DRAIN_MAX))
        if message["body"]:
            yield message["body"]


async def _check_length(scope: HTTPScope, receive: Receive, max_length: int) -> None:
    try:
        length = int(header(scope, b"content-length") or 0)
    except ValueError:
        raise MalformedRequest("The header `Content-Length` is not a number.") from None
    if length > max_length:
        # A client that sent Expect: 100-continue has not sent the body yet (RFC 9110, section 10.1.1).
        whole = (
            length <= max_length + DRAIN_MAX and not header(scope, b"expect") and await _drain(scope, receive, length)
        )
        raise _too_large(max_length, whole=whole)


def _too_large(max_length: int, *, whole: bool) -> PayloadTooLarge:
    """Return the problem for a body that is too large. Close the connection unless the `whole` body was read."""
    detail = f"The body is larger than the limit of {max_length} bytes."
    return PayloadTooLarge(detail, headers={} if whole else CLOSE)


async def _drain(scope: HTTPScope, receive: Receive, length: int) -> bool:
    """Read and drop up to `length` bytes. Return true if the body ended.

    Drain the body first: many clients send it whole before they read, and would see a reset instead of the 413.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while length >= 0:
                message = await receive()
                if message["type"] != "http.request":
                    return False
                length -= len(message["body"])
                if not message["more_body"]:
                    scope["state"][_IS_READ] = True
                    return True
    return False
