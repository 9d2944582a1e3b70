"""Process submissions soon after their requests, and delete expired ones, while the service runs."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from leads_adapters.database import Database, UseCase
from leads_app.logs import error_log
from leads_domain.errors import NotFound, Unavailable
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.submission import Processed, ProcessingOutcome, SubmissionId
from leads_domain.use_cases.process_submission import set_failed_aside

PROCESSOR = "submission processor"

POLL_SECONDS = 5.0
"""The interval between two looks without a wake-up: for submissions that another process has left behind."""

PAUSE_SECONDS = 0.1
"""The pause between a submission and its processing, so that the next request of its sender does not wait for it.

Its time would tell whether the person is known. See `docs/decisions/0034-answer-before-deciding.md`.
"""

BATCH = 50
"""The maximum number of submissions that one read, one commit or one deletion affects."""

EXPIRY_INTERVAL = timedelta(hours=1)
"""The interval between two searches for expired submissions."""


class SubmissionProcessor:
    """Processes what was received. Any number of processes can do so: each submission is processed once.

    `on_processed` is called with the origin and the outcome of each submission that this process has processed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        process: UseCase[[SubmissionId], Processed],
        keep: timedelta,
        on_processed: Callable[[str, ProcessingOutcome], None] = lambda _, __: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._process = process
        self._keep = keep
        self._on_processed = on_processed
        self._last_expiry: datetime | None = None
        self._wake_up = asyncio.Event()
        self._stopping = asyncio.Event()

    @property
    def is_awake(self) -> bool:
        """Return true if submissions were received since the last look."""
        return self._wake_up.is_set()

    def wake(self) -> None:
        """Look for received submissions soon."""
        self._wake_up.set()

    def stop(self) -> None:
        """Return from `run` after one more look."""
        self._stopping.set()
        self._wake_up.set()

    async def run(self) -> None:
        """Process received submissions and delete expired ones, until `stop` is called."""
        while True:
            stopping = self._stopping.is_set()
            try:
                await self.run_once()
            except Unavailable as error:
                structlog.get_logger().warning("processing_delayed", reason=str(error))
            except Exception as error:  # noqa: BLE001 - the loop must not end: nothing else processes submissions
                error_log(error, PROCESSOR)
            if stopping:
                return
            await _wait(self._wake_up, POLL_SECONDS)
            await _wait(self._stopping, PAUSE_SECONDS)

    async def run_once(self) -> None:
        """Process all received submissions, and delete expired ones if it is time. Stop after a batch if told to."""
        self._wake_up.clear()
        while ids := await self._database.read(_received):
            results = await asyncio.gather(*map(self._process_one, ids), return_exceptions=True)
            for error in filter(None, results):
                raise error
            if self._stopping.is_set():
                return
        await self._delete_expired()

    async def _process_one(self, id: SubmissionId) -> None:
        """Process a submission. If that fails, it waits for a person: it must not delay those behind it."""
        try:
            processed = await self._database.write(self._process, id)
            if processed.outcome is not None:
                self._on_processed(processed.submission.origin, processed.outcome)
        except Unavailable:
            raise
        except NotFound:  # erased or deleted in the meantime
            return
        except Exception as error:  # noqa: BLE001 - report every error and continue with the next submission
            error_log(error, PROCESSOR)
            with suppress(NotFound):  # deleted in the meantime
                failed = await self._database.write(set_failed_aside, id)
                self._on_processed(failed.origin, ProcessingOutcome.NEEDS_REVIEW)

    async def _delete_expired(self) -> None:
        now = self._clock.now()
        if self._last_expiry is not None and abs(now - self._last_expiry) < EXPIRY_INTERVAL:
            return
        while await self._database.write(_delete_expired, now - self._keep) == BATCH:
            if self._stopping.is_set():
                return
        self._last_expiry = now


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def _received(work: UnitOfWork) -> list[SubmissionId]:
    return [*work.submissions.unprocessed(limit=BATCH)]


def _delete_expired(work: UnitOfWork, before: datetime) -> int:
    return work.submissions.delete_expired(before=before, limit=BATCH)
