"""An answer, ready to be sent."""

from collections.abc import Iterable
from typing import Any

import msgspec

from leads_domain.lead import LeadId

Header = tuple[bytes, bytes]

LINE_FEED = b"\n"
"""Ends every JSON body: a terminal then shows its prompt on a line of its own."""

_encoder = msgspec.json.Encoder()


class Answer:
    """A status, a body and headers. The envelope sends it. `lead_id` is the lead that it tells about, if any."""

    __slots__ = ("body", "headers", "lead_id", "status")

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        media_type: bytes = b"application/json",
        headers: Iterable[Header] = (),
        lead_id: LeadId | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.lead_id = lead_id
        self.headers: list[Header] = [
            (b"content-type", media_type),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ]


def json_answer(
    view: Any, *, status: int = 200, headers: Iterable[Header] = (), lead_id: LeadId | None = None
) -> Answer:
    """Return `view` as JSON."""
    return Answer(_encoder.encode(view) + LINE_FEED, status=status, headers=headers, lead_id=lead_id)


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
