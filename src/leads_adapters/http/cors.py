"""Which pages of other sites a browser lets read the answers (CORS, in the Fetch standard)."""

from collections.abc import Collection, Iterable

from leads_adapters.http.answer import Header
from leads_adapters.http.envelope import AsgiApp, Message, Receive, Send

ANY = "*"

_ACCEPTED = b"Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-API-Key, X-Request-Id"
_SHOWN = b"ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
_MAX_AGE_SECONDS = b"3600"


def with_cors(app: AsgiApp, origins: Collection[str]) -> AsgiApp:
    """The application for pages of these origins, too; without any, the application as it is."""
    return Cors(app, origins) if origins else app


class Cors:
    """Tells browsers that pages of `origins` (`*`: of any site) may call this application.

    Keys are sent in headers and never by the browser itself, so that it is nothing that a page could not do elsewhere.
    A preflight is an OPTIONS, which the application answers without a key, with the methods of the resource in `Allow`.
    """

    def __init__(self, app: AsgiApp, origins: Collection[str]) -> None:
        self._app = app
        self._any = ANY in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"])
        told = self._told(sent.get(b"origin"))
        preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in sent

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._varied(message["headers"])
                if told:
                    headers += told
                    headers += _for_preflight(headers) if preflight else [(b"access-control-expose-headers", _SHOWN)]
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, send_on)

    def _told(self, origin: bytes | None) -> list[Header]:
        """That this origin may read the answer; nothing if it may not, or if no page asks."""
        if origin is None or not (self._any or origin in self._origins):
            return []
        return [(b"access-control-allow-origin", b"*" if self._any else origin)]

    def _varied(self, headers: Iterable[Header]) -> list[Header]:
        """The headers, which tell caches that the answer is another one for another origin."""
        if self._any:
            return [*headers]
        vary = b", ".join([*(value for name, value in headers if name == b"vary"), b"Origin"])
        return [*(header for header in headers if header[0] != b"vary"), (b"vary", vary)]


def _for_preflight(headers: Iterable[Header]) -> list[Header]:
    allowed = [value for name, value in headers if name == b"allow"]
    return [
        *((b"access-control-allow-methods", value) for value in allowed),
        (b"access-control-allow-headers", _ACCEPTED),
        (b"access-control-max-age", _MAX_AGE_SECONDS),
    ]
