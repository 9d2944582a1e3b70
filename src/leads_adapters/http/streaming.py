"""Stream files in and out in pieces, at the speed of the slower side.

Synchronous code in a thread reads and writes the files. `Run` runs coroutines for it on the event loop.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from hashlib import sha256
from typing import Any, TypeVar

from litestar import Request, Response
from litestar.types import ASGIApp, Receive, Scope, Send

from leads_adapters.transfer import Run
from leads_domain.errors import Unavailable

ResultT = TypeVar("ResultT")

IDLE_SECONDS = 30.0
"""The longest pause in the middle of a file."""


class SlowClientError(Exception):
    """The client does not read the response."""


def run_on_this_loop() -> Run:
    """Return a function that runs coroutines on the current event loop, for a thread."""
    loop = asyncio.get_running_loop()

    def run(work: Coroutine[Any, Any, ResultT], /) -> ResultT:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    return run


class Upload(io.RawIOBase):
    """A body as a file, for a thread. It holds one piece, and the client sends more when that is read."""

    def __init__(self, pieces: AsyncIterator[bytes], run: Run) -> None:
        self._pieces = pieces
        self._run = run
        self._piece = memoryview(b"")
        self.digest = sha256()
        """The hash of the bytes read so far."""

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, and return the number of bytes."""
        if not self._piece:
            self._piece = memoryview(self._run(self._next_piece()))
        part, self._piece = self._piece[: len(buffer)], self._piece[len(buffer) :]
        buffer[: len(part)] = part
        self.digest.update(part)
        return len(part)

    async def _next_piece(self) -> bytes:
        return await anext(self._pieces, b"")


class FileResponse(Response[Any]):
    """A body that is generated while it is sent. `next_piece` returns `b""` at the end.

    An error before the first piece becomes a problem response. A later error aborts the connection, so that the client
    sees that the body is incomplete. It is reported to `log`, unless it is an outage, which the database logs itself.
    """

    def __init__(
        self,
        next_piece: Callable[[], Awaitable[bytes]],
        log: Callable[[BaseException], None],
        *,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(b"", media_type=media_type, headers=headers)
        self._next_piece = next_piece
        self._log = log
        self._piece = b""

    async def begin(self) -> None:
        """Generate the first piece, and raise its errors."""
        self._piece = await self._next_piece()

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIApp:  # type: ignore[override]  # noqa: ARG002
        """Return the ASGI application that sends the response."""
        return self._send

    async def _send(self, _: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", str(self.media_type).encode())]
        headers += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        disconnected = asyncio.ensure_future(disconnection(receive))
        try:
            while self._piece and not disconnected.done():
                await send({"type": "http.response.body", "body": self._piece, "more_body": True})
                self._piece = await self._next_piece()
        except (SlowClientError, Unavailable):
            pass
        except Exception as error:  # noqa: BLE001 - the status is sent already
            self._log(error)
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            disconnected.cancel()


def is_head(scope: Scope) -> bool:
    """Return true if the client requests only the headers."""
    return "is_head" in scope["state"]


async def disconnection(receive: Receive) -> None:
    """Wait until the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
