"""An answer, ready to be sent."""

from collections.abc import Iterable
from typing import Any

import msgspec

Header = tuple[bytes, bytes]

_encoder = msgspec.json.Encoder()


class Answer:
    """A status, a body and headers. The envelope sends it."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        media_type: bytes = b"application/json",
        headers: Iterable[Header] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.headers: list[Header] = [
            (b"content-type", media_type),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ]


def json_answer(view: Any, *, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    """`view` as JSON."""
    return Answer(_encoder.encode(view), status=status, headers=headers)


def etag(version: int) -> Header:
    """The validator of a lead's version (RFC 9110, section 8.8.3)."""
    return b"etag", f'"{version}"'.encode()


def html_answer(page: str) -> Answer:
    """A page for people."""
    return Answer(page.encode(), media_type=b"text/html; charset=utf-8")


def no_content(*, status: int = 204, headers: Iterable[Header] = ()) -> Answer:
    """An empty answer (204 or 304). It has no length: RFC 9110, section 8.6."""
    answer = Answer(b"", status=status)
    answer.headers = list(headers)
    return answer
