"""An answer, ready to be sent."""

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send

Header = tuple[bytes, bytes]

_encoder = msgspec.json.Encoder()


class Answer:
    """A status, a body and headers, as an ASGI application.

    Litestar sends such a thing as it is; its own `Response` takes nearly as long as all the rest of
    a small request.
    """

    __slots__ = ("_body", "headers", "status")

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        media_type: bytes = b"application/json",
        headers: Iterable[Header] = (),
    ) -> None:
        self.status = status
        self._body = body
        self.headers: list[Header] = [
            (b"content-type", media_type),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


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
