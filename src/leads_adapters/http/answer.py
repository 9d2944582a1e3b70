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


def html_answer(page: str) -> Answer:
    """A page for people."""
    return Answer(page.encode(), media_type=b"text/html; charset=utf-8")


def no_content(*, headers: Iterable[Header] = ()) -> Answer:
    """An empty answer (204). It has no length: RFC 9110, section 8.6."""
    answer = Answer(b"", status=204)
    answer.headers = list(headers)
    return answer
