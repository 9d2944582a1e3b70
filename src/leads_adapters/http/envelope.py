"""What every answer has, whoever gives it: Litestar's middleware does not see its 404 and 405."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter
from typing import Any

AccessLog = Callable[..., None]
"""Called after every answer with request_id, method, route, status and milliseconds."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]
"""An application as the ASGI specification has it."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"),
)


class Envelope:
    """Gives every answer its request id and security headers, lets HEAD ask what GET would, and logs."""

    def __init__(self, app: AsgiApp, new_id: Callable[[], str], log: AccessLog) -> None:
        self._app = app
        self._new_id = new_id
        self._log = log

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = self._request_id(scope)
        method = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
        status = 500

        async def seal(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", request_id), *_SECURITY_HEADERS]
                message = {**message, "headers": headers}
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app(scope, receive, seal)
        finally:
            self._log(
                request_id=request_id.decode(),
                method=method,
                route=_route(scope),
                status=status,
                ms=round((perf_counter() - started) * 1000, 2),
            )

    def _request_id(self, scope: Message) -> bytes:
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = sent if _SANE_ID.fullmatch(sent) else self._new_id().encode()
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        return request_id


def _route(scope: Message) -> str | None:
    """The route's template. A path that matches no route may hold anything, even an address: it is not logged."""
    route: str | None = scope.get("path_template")
    return route
