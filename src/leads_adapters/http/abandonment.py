"""End reads that are in vain: their client has hung up, or will not wait any longer."""

import asyncio
from contextlib import suppress
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Send

from leads_adapters.http.problems import RETRY_LATER, Unavailable
from leads_adapters.http.streaming import disconnection

RESPONSE_SECONDS = 50.0
"""The longest time until a response begins. Proxies give up after 60 s."""

WATCH_AFTER_SECONDS = 0.1
"""The time after which a request watches its connection. Almost all end earlier, without the cost of a task."""

CLIENT_CLOSED_REQUEST = 499
"""The status in the log if the client has hung up, as in nginx."""


class AbandonmentMiddleware(ASGIMiddleware):
    """Cancel a read whose client has hung up, or whose response does not begin in time.

    A read that is cancelled leaves the queue of the database. The server itself cancels no request.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Any, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass on a request. Raises `Unavailable` if its response does not begin in time."""
        if scope["method"] != "GET":
            await next_app(scope, receive, send)
            return
        watch = _Watch(receive)

        async def send_on(message: Message) -> None:
            watch.end()
            await send(message)

        try:
            async with watch.timeout:
                await next_app(scope, receive, send_on)
        except TimeoutError:
            if not watch.disconnected:
                detail = f"The request took longer than {RESPONSE_SECONDS:.0f} s."
                raise Unavailable(detail, headers=RETRY_LATER) from None
            await send({"type": "http.response.start", "status": CLIENT_CLOSED_REQUEST, "headers": []})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watch.end()


class _Watch:
    """Watches a connection until its response begins. Expires `timeout` if the client hangs up or waits too long."""

    def __init__(self, receive: Receive) -> None:
        self.timeout = asyncio.timeout(None)
        self.disconnected = False
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._watching: Any = self._loop.call_later(WATCH_AFTER_SECONDS, self._start)

    def end(self) -> None:
        self._watching.cancel()

    def _start(self) -> None:
        self._watching = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(RESPONSE_SECONDS):
                await disconnection(self._receive)
            self.disconnected = True
        self.timeout.reschedule(self._loop.time())
