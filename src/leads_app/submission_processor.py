"""Process submissions that a crash interrupted, and delete expired ones, while the service runs."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from leads_adapters.database import Database, UseCase
from leads_app.logs import error_log
from leads_domain.errors import NotFound, Unavailable
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.submission import SubmissionId
from leads_domain.use_cases.process_submission import set_failed_aside

PROCESSOR = "submission processor"

POLL_SECONDS = 5.0
"""The interval between two looks. With `GRACE`, an interrupted submission is processed within 10 s of a restart."""

GRACE = timedelta(seconds=2)
"""The age at which a submission counts as interrupted: the request that receives it processes it as well."""

BATCH = 100
"""The maximum number of submissions that one read or one deletion affects."""

EXPIRY_INTERVAL = timedelta(hours=1)
"""The interval between two searches for expired submissions."""


class SubmissionProcessor:
    """Looks for work every few seconds. Any number of processes can do so: each submission is processed once."""

    def __init__(
        self, database: Database, clock: Clock, process: UseCase[[SubmissionId], object], keep: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._process = process
        self._keep = keep
        self._next_expiry: datetime | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Return from `run` soon."""
        self._stopping.set()

    async def run(self) -> None:
        """Process interrupted submissions and delete expired ones, until `stop` is called."""
        while not self._stopping.is_set():
            try:
                await self.run_once()
            except Unavailable as error:
                structlog.get_logger().warning("processing_delayed", reason=str(error))
            except Exception as error:  # noqa: BLE001 - the loop must not end: nothing else looks for interrupted work
                error_log(error, PROCESSOR)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), POLL_SECONDS)

    async def run_once(self) -> None:
        """Process all interrupted submissions, and delete expired ones if it is time."""
        while ids := await self._database.read(_interrupted, self._clock.now() - GRACE):
            for id in ids:
                if self._stopping.is_set():
                    return
                await self._process_one(id)
        await self._delete_expired()

    async def _process_one(self, id: SubmissionId) -> None:
        """Process a submission. If that fails, it waits for a person: it must not delay those behind it."""
        try:
            await self._database.write(self._process, id)
        except Unavailable:
            raise
        except NotFound:  # erased or deleted in the meantime
            return
        except Exception as error:  # noqa: BLE001 - report every error and continue with the next submission
            error_log(error, PROCESSOR)
            with suppress(NotFound):  # deleted in the meantime
                await self._database.write(set_failed_aside, id)

    async def _delete_expired(self) -> None:
        now = self._clock.now()
        if self._next_expiry is not None and now < self._next_expiry:
            return
        while await self._database.write(_delete_expired, now - self._keep) == BATCH:
            if self._stopping.is_set():
                return
        self._next_expiry = now + EXPIRY_INTERVAL


def _interrupted(work: UnitOfWork, before: datetime) -> list[SubmissionId]:
    return [*work.submissions.unprocessed(before=before, limit=BATCH)]


def _delete_expired(work: UnitOfWork, before: datetime) -> int:
    return work.submissions.delete_expired(before=before, limit=BATCH)
