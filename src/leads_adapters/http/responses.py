"""Define the JSON response and the header `ETag`."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

from leads_domain.lead import LeadId

ContentT = TypeVar("ContentT")

LINE_FEED = b"\n"
"""Ends every JSON body, so that a terminal shows its prompt on a new line."""

_encoder = msgspec.json.Encoder()


class JsonResponse(Response[ContentT]):
    """A struct as JSON, encoded at once. `lead_id` is the lead that the response describes, if any.

    It sends its bytes itself, which is faster: see `docs/decisions/0025-litestar-as-its-users-know-it.md`.
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
        """Return the ASGI application that sends the response."""
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": self.status_code or options["status_code"],
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(self.body)).encode()),
                *((name.encode(), value.encode()) for name, value in self.headers.items()),
            ],
        }

        async def send_json(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - required by ASGI
            await send(start)
            await send({"type": "http.response.body", "body": self.body, "more_body": False})

        return send_json


def etag(version: int) -> dict[str, str]:
    """Return the header `ETag` for a version of a lead or task (RFC 9110, section 8.8.3)."""
    return {"etag": f'"{version}"'}
