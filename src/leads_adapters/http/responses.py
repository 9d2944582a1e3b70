"""Responses as this service sends them: JSON that ends a line, and no content."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

from leads_domain.lead import LeadId

ContentT = TypeVar("ContentT")

LINE_FEED = b"\n"
"""Ends every JSON body: a terminal then shows its prompt on a line of its own."""

_encoder = msgspec.json.Encoder()


class JsonResponse(Response[ContentT]):
    """A struct as JSON, encoded at once. `lead_id` is the lead that it is about, if any.

    It sends its bytes itself: Litestar's way, by encoders, cookies and merged headers, takes 15 us more.
    """

    def __init__(
        self,
        content: ContentT,
        *,
        status_code: int | None = None,
        headers: Mapping[str, str] | None = None,
        lead_id: LeadId | None = None,
    ) -> None:
        self.content = content
        self.status_code = status_code
        self.headers = dict(headers or {})
        self.body = _encoder.encode(content) + LINE_FEED
        self.lead_id = lead_id

    def to_asgi_response(self, *_: Any, **options: Any) -> ASGIApp:  # type: ignore[override]
        """Return the ASGI application that sends this."""
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": self.status_code or options["status_code"],
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(self.body)).encode()),
                *((name.encode(), value.encode()) for name, value in self.headers.items()),
            ],
        }

        async def send_json(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - named by Litestar
            await send(start)
            await send({"type": "http.response.body", "body": self.body, "more_body": False})

        return send_json


def etag(version: int) -> dict[str, str]:
    """Return the validator of a lead's version as a header (RFC 9110, section 8.8.3)."""
    return {"etag": f'"{version}"'}
