"""Respond to the requests that the end of the process would cut off."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from leads_adapters.http.problem_responses import MEDIA_TYPE
from leads_adapters.http.problems import RETRY_LATER, Unavailable
from leads_adapters.http.receiving import CLOSE
from leads_adapters.http.responses import LINE_FEED

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CUT_OFF = Unavailable(
    "The service stopped before the request was complete. Send it again: a POST with the same `Idempotency-Key` takes "
    "effect once.",
    headers={**RETRY_LATER, **CLOSE},
)


class OpenRequests:
    """The requests of this process that have no response yet."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[str, Send]] = {}

    def add(self, scope: Mapping[str, Any], send: Send) -> None:
        """Add a request, with the function that sends its response."""
        self._open[id(scope)] = scope["path"], send

    def remove(self, scope: Mapping[str, Any]) -> None:
        """Remove a request. Call this when its response begins, and when its handling ends."""
        self._open.pop(id(scope), None)

    async def cut_off(self) -> None:
        """Respond 503 to all open requests. Without this, the server sends 500 and no problem document."""
        for path, send in [*self._open.values()]:
            body = msgspec.json.encode(CUT_OFF.content(path)) + LINE_FEED
            headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **(CUT_OFF.headers or {})}
            encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": CUT_OFF.status_code, "headers": encoded})
            await send({"type": "http.response.body", "body": body, "more_body": False})
