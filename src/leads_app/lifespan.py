"""What happens before the first request and after the last."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar

from leads_app.dispatcher import Dispatcher
from leads_app.graceful_shutdown import GracefulShutdown
from leads_app.unread import end_unread_connections

SWITCH_SECONDS = 0.0005

LISTENING_SECONDS = 1.0
"""How often to look whether the server listens: it does so only after this."""


def service_lifespan(
    close_database: Callable[[], Awaitable[None]], dispatcher: Dispatcher, dispatching: bool, stopping: GracefulShutdown
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Dispatch follow-ups while the service runs, and let go of the database when it ends.

    Nothing that was promised depends on the end being reached: a killed process loses no work.
    """

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        # What is there now stays. To look through it for garbage stopped everything for 80 to 180 ms, now for 1.
        gc.freeze()
        # A thread that reads or writes a file hands the interpreter over when it is asked to for so long. With the
        # usual 5 ms, others got half as many answers during an export.
        sys.setswitchinterval(SWITCH_SECONDS)
        stopping.listen()
        ending_unread = asyncio.create_task(_end_unread_connections())
        running = asyncio.create_task(dispatcher.run()) if dispatching else None
        try:
            yield
        finally:
            ending_unread.cancel()
            if running is not None:
                dispatcher.stop()
                await running
            await close_database()

    return lifespan


async def _end_unread_connections() -> None:
    while not end_unread_connections():  # noqa: ASYNC110 - granian tells nobody when it listens
        await asyncio.sleep(LISTENING_SECONDS)
