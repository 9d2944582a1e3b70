"""Let pages of the origins of a form send it by a script. The origins of the API do not apply to forms."""

from collections.abc import Collection, Mapping
from typing import Any

from leads_adapters.http.headers import header
from leads_adapters.http.request_middleware import AsgiApp, Message, Receive, Send

ANY_ORIGIN = "*"
FORMS = "/forms/"
_PREFLIGHT = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Accept, Content-Type, X-Request-Id"),
    (b"access-control-max-age", b"3600"),
)
_EXPOSED = (b"access-control-expose-headers", b"RateLimit, RateLimit-Policy, Retry-After, X-Request-Id")


class FormCors:
    """Add the headers of CORS to the responses of forms, and respond to preflights (an ASGI middleware).

    It wraps Litestar, whose own CORS is the same for all paths. `origins` are those of each form, by its name.
    """

    def __init__(self, app: AsgiApp, origins: Mapping[str, Collection[str]]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or not scope["path"].startswith(FORMS):
            await self._app(scope, receive, send)
            return
        headers = self._headers(scope)
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
            preflight = [*headers, *(_PREFLIGHT if len(headers) > 1 else ())]
            await send({"type": "http.response.start", "status": 204, "headers": preflight})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [each for each in message["headers"] if not _is_about_origins(each[0])]
                message["headers"] = [*own, *headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _headers(self, scope: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
        allowed = self._origins.get(scope["path"].removeprefix(FORMS).rstrip("/"), ())
        origin = header(scope, b"origin")
        vary = (b"vary", b"Accept, Origin")
        if origin is None or not is_allowed(origin, allowed):
            return [vary]
        return [vary, (b"access-control-allow-origin", origin.encode("latin-1")), _EXPOSED]


def is_allowed(origin: str, origins: Collection[str]) -> bool:
    """Return whether an origin is one of those of a form."""
    return origin in origins or ANY_ORIGIN in origins


def _is_about_origins(name: bytes) -> bool:
    return name == b"vary" or name.startswith(b"access-control-")
