"""Wrap every request, even if it matches no route: Litestar's middleware would not get it."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from time import perf_counter
from typing import Any

from litestar import Litestar
from litestar.routes import HTTPRoute

from leads_adapters.http.open_requests import OpenRequests
from leads_adapters.http.receiving import leaves_body_unread
from leads_adapters.http.streaming import SlowClientError

AccessLog = Callable[..., None]
"""Called after every response with request_id, method, route, status and ms."""

RequestCount = Callable[[str, str | None, int, float], None]
"""Called after every response with method, route, status and seconds."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]
"""An application of the ASGI specification."""

Headers = list[tuple[bytes, bytes]]

SEND_SECONDS = 30.0
"""The longest time for which a client may read nothing of a response."""

PIECE = 2**15
"""The number of bytes passed to the server at once. The server holds them in memory until the client reads them."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "other"
"""Stands for any other method in the log and the metrics: clients can make up methods of any length."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_CONTENT_SECURITY_POLICY = (
    b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    b"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
)


class RequestMiddleware:
    """Add the request id and security headers, serve HEAD as GET, complete `Allow`, and log and count requests."""

    def __init__(
        self,
        app: AsgiApp,
        methods: Mapping[str, Collection[str]],
        new_id: Callable[[], str],
        log: AccessLog,
        count: RequestCount,
        open_requests: OpenRequests,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self._app = app
        self._methods = methods
        self._new_id = new_id
        self._log = log
        self._count = count
        self._open_requests = open_requests
        self._send_seconds = send_seconds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        method = scope["method"]
        request_id = self._request_id(scope)
        if is_head := method == "HEAD":
            scope["method"] = "GET"
            scope["state"]["is_head"] = True
        status = 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                self._open_requests.remove(scope)
                status = message["status"]
                own = message["headers"]
                headers = [*own, (b"x-request-id", request_id), *_security_headers(own), *_connection(scope, own)]
                if method == "OPTIONS" or status == HTTPStatus.METHOD_NOT_ALLOWED:
                    headers = self._with_allow(scope, headers)
                message["headers"] = headers
                await send(message)
            elif is_head:
                if not message["more_body"]:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await send_body(message, send, self._send_seconds)

        self._open_requests.add(scope, send_on)
        try:
            await self._app(scope, receive, send_on)
        except SlowClientError:
            pass
        finally:
            self._open_requests.remove(scope)
            seconds = perf_counter() - started
            named = method if method in _METHODS else _OTHER_METHOD
            route = scope.get("path_template")  # do not log unknown paths: they may contain an address
            self._log(
                request_id=request_id.decode(), method=named, route=route, status=status, ms=round(seconds * 1000, 2)
            )
            self._count(named, route, status, seconds)

    def _request_id(self, scope: Message) -> bytes:
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else self._new_id().encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        return request_id

    def _with_allow(self, scope: Message, headers: Headers) -> Headers:
        """Return the headers with all methods of the path in `Allow`. Litestar lists the methods of one handler."""
        listed = next((value for name, value in headers if name == b"allow"), b"").decode().split(", ")
        allow = _allow(self._methods.get(scope.get("path_template", ""), listed))
        return [(name, allow if name == b"allow" else value) for name, value in headers]


async def send_body(message: Message, send: Send, seconds: float) -> None:
    """Send a body in pieces. Raises `SlowClientError` if the client does not read one in time."""
    body, more = message["body"], message["more_body"]
    if len(body) <= PIECE and not more:  # the server does not wait for the client
        await send(message)
        return
    try:
        for start in range(0, max(len(body), 1), PIECE):
            more_body = more or start + PIECE < len(body)
            async with asyncio.timeout(seconds):
                await send({"type": "http.response.body", "body": body[start : start + PIECE], "more_body": more_body})
    except TimeoutError:
        raise SlowClientError from None


def _security_headers(own: Headers) -> Iterable[tuple[bytes, bytes]]:
    """Return the security headers, without those that a page sets itself."""
    names = {name for name, _ in own}
    return (each for each in _SECURITY_HEADERS if each[0] not in names)


def _connection(scope: Message, own: Headers) -> Headers:
    """Return `Connection: close` if the server closes the connection because nothing reads the body."""
    is_set = any(name == b"connection" for name, _ in own)
    return [(b"connection", b"close")] if leaves_body_unread(scope) and not is_set else []


def methods_of(app: Litestar) -> dict[str, set[str]]:
    """Return the methods of each path."""
    methods: dict[str, set[str]] = defaultdict(set)
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            methods[route.path_format].update(route.methods)
    return methods


def _allow(methods: Collection[str]) -> bytes:
    """Return the value of `Allow`. Every path with GET has HEAD."""
    return ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods)).encode()
