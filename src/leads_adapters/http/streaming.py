"""Bodies that are too large to be held: they pass through piece by piece, and whoever is slow is waited for.

What reads or makes them is synchronous, as files are, and runs in a thread; `Run` gets it what the event loop has.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from hashlib import sha256
from typing import Any, TypeVar, cast

from litestar.types import HTTPReceiveMessage, Receive

from leads_adapters.http.answer import Answer, Header
from leads_adapters.http.incoming import DRAIN_MAX, drain, too_large, too_slow
from leads_adapters.http.problems import Problem
from leads_adapters.transfer import Run

Result = TypeVar("Result")
Send = Callable[[Any], Awaitable[None]]

IDLE_SECONDS = 30.0
"""How long a client may send nothing in the middle of a file."""

SEND_SECONDS = 30.0
"""How long a client may take nothing of a response."""

PIECE = 2**15
"""How much of a response is handed to the server at once: what clients do not take of it stays in memory."""


def run_on_this_loop() -> Run:
    """How a thread has coroutines run on the event loop of whoever calls this."""
    loop = asyncio.get_running_loop()

    def run(work: Coroutine[Any, Any, Result], /) -> Result:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    return run


class Upload(io.RawIOBase):
    """The body of a request as a file, for a thread. It holds one piece; the client sends more when that is read.

    Raises `Problem` for a body of more than `most` bytes, for one that breaks off, and for one that does not go on.
    """

    def __init__(self, receive: Receive, most: int, run: Run) -> None:
        self._receive = receive
        self._run = run
        self._most = self._left = most
        self._piece = b""
        self._read = 0
        self._more = True
        self.digest = sha256()
        """Of what was read."""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `RawIOBase.readinto`."""
        while self._read == len(self._piece) and self._more:
            self._run(self._next_piece())
        part = memoryview(self._piece)[self._read : self._read + len(buffer)]
        buffer[: len(part)] = part
        self._read += len(part)
        self.digest.update(part)
        return len(part)

    async def _next_piece(self) -> None:
        try:
            message = cast(HTTPReceiveMessage, await asyncio.wait_for(self._receive(), IDLE_SECONDS))
        except TimeoutError:
            raise too_slow(f"Nothing of the body came for {IDLE_SECONDS:.0f} s.") from None
        if message["type"] == "http.disconnect":
            raise Problem("malformed-request", "The body ended before it was complete.")
        self._piece, self._read, self._more = message["body"], 0, message["more_body"]
        self._left -= len(self._piece)
        if self._left < 0:
            raise too_large(self._most, whole=not self._more or await drain(self._receive, DRAIN_MAX))


class StreamedAnswer(Answer):
    """An answer whose body is made while it is sent; `next_piece` answers nothing (`b""`) at the end.

    A fault before the first piece is a problem as any other. After that the status is sent: all that can be done
    is to break the body off, so that nobody takes it for complete.
    """

    __slots__ = ("_next_piece", "_piece", "_tell")

    def __init__(
        self, next_piece: Callable[[], Awaitable[bytes]], *, media_type: bytes, headers: Iterable[Header] = ()
    ) -> None:
        super().__init__(b"")
        self.headers = [(b"content-type", media_type), *headers]
        self._next_piece = next_piece

    async def begin(self, tell: Callable[[BaseException], None]) -> None:
        """Make the first piece; raises what that raises. What goes wrong later is told to `tell`."""
        self._tell = tell
        self._piece = await self._next_piece()

    async def send_body(self, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        """Send what there is, piece by piece, until it ends or the client hangs up."""
        hung_up = asyncio.ensure_future(_disconnect(receive))
        try:
            while self._piece and not hung_up.done():
                if not await send_body(self._piece, send, more=True):
                    return
                self._piece = await self._next_piece()
        except Exception as error:  # noqa: BLE001 - the client cannot be told any more
            self._tell(error)
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            hung_up.cancel()


async def send_body(body: bytes, send: Send, *, more: bool = False) -> bool:
    """Send a body, or a part of one that has more, and return whether the client took it in time."""
    try:
        for start in range(0, max(len(body), 1), PIECE):
            piece = body if len(body) <= PIECE else body[start : start + PIECE]
            more_body = more or start + PIECE < len(body)
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": more_body})
    except TimeoutError:
        return False
    return True


async def _disconnect(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
