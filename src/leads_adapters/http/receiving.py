"""Reads bodies within limits of size and time, which neither Litestar nor the server has."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from litestar.types import HTTPReceiveMessage, HTTPRequestEvent, HTTPScope, Receive

from leads_adapters.http.problems import MalformedRequest, PayloadTooLarge, Problem, RequestTimeout

BODY_IDLE_SECONDS = 10.0
"""How long a client may send nothing in the middle of a body."""

BODY_SECONDS = 60.0
"""How long a client may take to send a whole body."""

DRAIN_MAX = 8 * 2**20
"""How many bytes beyond what is accepted are read before a body is refused."""

DRAIN_SECONDS = 5.0
"""How long that may take."""

CLOSE = {"connection": "close"}


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large, in bytes, and how slow a body may be."""

    max_length: int
    idle_seconds: float = BODY_IDLE_SECONDS
    seconds: float = BODY_SECONDS


def header(scope: HTTPScope, name: bytes) -> bytes | None:
    """Return the value of a header, the first if there are several; `name` in lower case."""
    for each, value in scope["headers"]:
        if each == name:
            return value
    return None


async def read_body(scope: HTTPScope, receive: Receive, limits: BodyLimits) -> bytes:
    """Return the whole body; raises `Problem` if it is too large, too slow or incomplete."""
    await check_length(scope, receive, limits.max_length)
    body = bytearray()  # a list of pieces would take 20 times the memory of very small ones
    now = asyncio.get_running_loop().time
    end = now() + limits.seconds
    try:
        async with asyncio.timeout(None) as timer:
            while True:
                timer.reschedule(min(end, now() + limits.idle_seconds))
                message = await _next(receive)
                body += message["body"]
                if len(body) > limits.max_length:
                    raise too_large(
                        limits.max_length, whole=not message["more_body"] or await drain(receive, DRAIN_MAX)
                    )
                if not message["more_body"]:
                    return bytes(body)
    except TimeoutError:
        detail = f"it has {limits.idle_seconds:.0f} s from one piece to the next, and {limits.seconds:.0f} s for all"
        raise too_slow(f"The body did not come in time: {detail}.") from None


async def _next(receive: Receive) -> HTTPRequestEvent:
    message = cast(HTTPReceiveMessage, await receive())
    if message["type"] == "http.disconnect":
        raise MalformedRequest("The body ended before it was complete.")
    return message


async def check_length(scope: HTTPScope, receive: Receive, max_length: int) -> None:
    """Raise `Problem` if `Content-Length` is more than `max_length` bytes."""
    length = _length(scope)
    if length > max_length:
        # A client that sent Expect: 100-continue has not sent the body yet (RFC 9110, section 10.1.1).
        whole = length <= max_length + DRAIN_MAX and not header(scope, b"expect") and await drain(receive, length)
        raise too_large(max_length, whole=whole)


def _length(scope: HTTPScope) -> int:
    """Return the Content-Length; 0 if there is none."""
    try:
        return int(header(scope, b"content-length") or 0)
    except ValueError:
        raise MalformedRequest("The Content-Length is not a number.") from None


def too_large(max_length: int, *, whole: bool) -> Problem:
    """Return the refusal of too large a body; unless it was read as a `whole`, the connection ends with it."""
    detail = f"The body is larger than the {max_length} bytes that this service accepts."
    return PayloadTooLarge(detail, headers={} if whole else CLOSE)


def too_slow(detail: str) -> Problem:
    """Return the refusal of a body that does not come in time; the connection ends with it."""
    return RequestTimeout(detail, headers=CLOSE)


async def drain(receive: Receive, length: int) -> bool:
    """Read up to `length` bytes and drop them; return whether the body ended.

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
                    return True
    return False
