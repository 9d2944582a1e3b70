"""Start and stop the dispatcher, the submission processor and the mail fetcher with the service.

The database is closed at the end.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar

from leads_app.dispatcher import Dispatcher
from leads_app.graceful_shutdown import GracefulShutdown
from leads_app.mail_fetcher import MailFetcher
from leads_app.submission_processor import SubmissionProcessor
from leads_app.unread import limit_unread_responses

LISTENING_SECONDS = 1.0
"""The interval between two checks whether the server listens, which it does only after the application has started."""


def service_lifespan(
    close_database: Callable[[], Awaitable[None]],
    dispatcher: Dispatcher,
    dispatching: bool,
    processor: SubmissionProcessor,
    fetcher: MailFetcher,
    fetching: bool,
    graceful_shutdown: GracefulShutdown,
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Return the lifespan of the application. If the process is killed, no work is lost."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        gc.freeze()  # collections skip the loaded modules: see docs/decisions/0023-garbage-and-threads.md
        graceful_shutdown.listen()
        limiting = asyncio.create_task(_limit_unread_responses())
        running = [asyncio.create_task(processor.run())]
        if dispatching:
            running.append(asyncio.create_task(dispatcher.run()))
        if fetching and fetcher.mailboxes:
            running.append(asyncio.create_task(fetcher.run()))
        try:
            yield
        finally:
            limiting.cancel()
            fetcher.stop()
            dispatcher.stop()
            processor.stop()
            await asyncio.gather(*running)
            await close_database()

    return lifespan


async def _limit_unread_responses() -> None:
    while not limit_unread_responses():  # noqa: ASYNC110 - granian does not report that it listens
        await asyncio.sleep(LISTENING_SECONDS)
