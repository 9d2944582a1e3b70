"""What a client sends, as it comes in from the server."""

from typing import cast

from litestar.types import HTTPReceiveMessage, HTTPScope, Receive

from leads_adapters.http.problems import Problem


def header(scope: HTTPScope, name: bytes) -> bytes | None:
    """The value of a header, the first if there are several; `name` in lower case."""
    for each, value in scope["headers"]:
        if each == name:
            return value
    return None


async def read_body(scope: HTTPScope, receive: Receive, most: int) -> bytes:
    """The whole body; raises `Problem` for one of more than `most` bytes, or one that breaks off.

    Litestar's request does the same and takes 16 us more.
    """
    if _length(scope) > most:
        raise _too_large(most)
    chunks, size, more = [], 0, True
    while more:
        message = cast(HTTPReceiveMessage, await receive())
        if message["type"] == "http.disconnect":
            raise Problem("malformed-request", "The body ended before it was complete.")
        chunks.append(message["body"])
        size += len(message["body"])
        if size > most:
            raise _too_large(most)
        more = message["more_body"]
    return b"".join(chunks)


def _length(scope: HTTPScope) -> int:
    """How long the body is said to be; 0 if nothing is said."""
    try:
        return int(header(scope, b"content-length") or 0)
    except ValueError:
        raise Problem("malformed-request", "The Content-Length is not a number.") from None


def _too_large(most: int) -> Problem:
    return Problem("payload-too-large", f"The body is larger than the {most} bytes that this service accepts.")
