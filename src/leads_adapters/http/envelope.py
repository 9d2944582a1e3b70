"""What every answer has, whoever gives it: Litestar's middleware does not see its 404 and 405."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from litestar.types import Scope

from leads_adapters.http.answer import Answer
from leads_adapters.http.streaming import PIECE, StreamedAnswer, send_body

AccessLog = Callable[..., None]
"""Called after every answer with request_id, method, route, status and milliseconds."""

RequestCount = Callable[[str, str | None, int, float], None]
"""Called after every answer with method, route, status and seconds."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]
"""An application as the ASGI specification has it."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
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


class Envelope:
    """Gives every answer its request id and security headers, lets HEAD ask what GET would, logs and counts."""

    def __init__(self, app: AsgiApp, new_id: Callable[[], str], log: AccessLog, count: RequestCount) -> None:
        self._app = app
        self._new_id = new_id
        self._log = log
        self._count = count

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
            scope["state"]["bodiless"] = True
        status = 500
        until_sent = scope["state"]["until_sent"] = ExitStack()
        try:
            answer = await self._answer(scope, receive)
            status = answer.status
            answer.headers += ((b"x-request-id", request_id), *_SECURITY_HEADERS)
            body = b"" if method == "HEAD" else answer.body
            await send({"type": "http.response.start", "status": status, "headers": answer.headers})
            if isinstance(answer, StreamedAnswer) and method != "HEAD":
                await answer.send_body(receive, send)
            elif len(body) > PIECE:
                await send_body(body, send)
            else:  # no client has to be waited for
                await send({"type": "http.response.body", "body": body, "more_body": False})
        finally:
            until_sent.close()
            route = _route(scope)
            seconds = perf_counter() - started
            self._log(
                request_id=request_id.decode(), method=method, route=route, status=status, ms=round(seconds * 1000, 2)
            )
            self._count(method, route, status, seconds)

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        """The answer that an operation has left, or else what the application sent: of Litestar, 404 and 405."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self._app(scope, receive, keep)
        left: Answer | None = scope["state"].get("answer")
        return left or _answer_of(sent)

    def _request_id(self, scope: Message) -> bytes:
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = sent if _SANE_ID.fullmatch(sent) else self._new_id().encode()
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        return request_id


def leave(scope: Scope, answer: Answer) -> None:
    """Leave the answer to a request where the envelope finds it.

    Every ASGI message would otherwise pass through a function of each layer around the operation.
    """
    scope["state"]["answer"] = answer


def _answer_of(sent: list[Message]) -> Answer:
    start, *parts = sent
    answer = Answer(b"".join(part["body"] for part in parts), status=start["status"])
    answer.headers = list(start["headers"])
    return answer


def _route(scope: Message) -> str | None:
    """The route's template. A path that matches no route may hold anything, even an address: it is not logged."""
    route: str | None = scope.get("path_template")
    return route
