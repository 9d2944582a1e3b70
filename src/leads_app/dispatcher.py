"""Sends due follow-ups for as long as the service runs."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog

from leads_adapters.database import Database
from leads_domain.errors import Unavailable
from leads_domain.notifier import FollowUpNotifier
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, Claimed, RecordOutcome, send

LEASE = timedelta(seconds=60)
"""How long a claim holds: longer than the 30 s that a notifier may take."""

BATCH = 16
"""How many follow-ups are claimed, and handed to their notifiers, at once."""

POLL_SECONDS = 5.0
"""After how long to look for work that another process stored; one's own is announced by `wake`."""


class Dispatcher:
    """Claims what is due, sends it in threads, and records the outcomes. Any number may share a database."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        claim: ClaimDueFollowUps,
        record: RecordOutcome,
        notifiers: Mapping[str, FollowUpNotifier],
        owner: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._claim = claim
        self._record = record
        self._notifiers = notifiers
        self._owner = owner
        self._threads = ThreadPoolExecutor(BATCH, thread_name_prefix="notify")
        self._work = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for due follow-ups now."""
        self._work.set()

    async def run(self) -> None:
        """Send what is due, and what falls due, until `stop` is called."""
        while not self._stopping:
            self._work.clear()
            try:
                await self.run_once()
                wait = await self._wait_seconds()
            except Unavailable as error:
                structlog.get_logger().warning("dispatch_delayed", reason=str(error))
                wait = POLL_SECONDS
            try:
                await asyncio.wait_for(self._work.wait(), wait)
            except TimeoutError:
                continue

    async def run_once(self) -> int:
        """Send everything that is due now; answers the number of attempts."""
        attempts = 0
        while claimed := await self._database.write(self._claim, owner=self._owner, limit=BATCH):
            await asyncio.gather(*(self._attempt(each) for each in claimed))
            attempts += len(claimed)
            if self._stopping:
                break
        return attempts

    def stop(self) -> None:
        """Finish the attempts under way and return from `run`."""
        self._stopping = True
        self._work.set()

    async def _attempt(self, claimed: Claimed) -> None:
        loop = asyncio.get_running_loop()
        error = await loop.run_in_executor(self._threads, send, claimed, self._notifiers)
        recorded = await self._database.write(self._record, claimed.follow_up, error)
        if error is not None or not recorded:
            structlog.get_logger().warning(
                "follow_up_not_sent" if error else "follow_up_lease_lost",
                follow_up_id=claimed.follow_up.id,
                channel=claimed.notice.channel,
                attempt=claimed.notice.attempt,
                error=type(error).__name__ if error else None,
            )

    async def _wait_seconds(self) -> float:
        next_attempt_at = await self._database.read(_next_attempt_at)
        if next_attempt_at is None:
            return POLL_SECONDS
        # What is due already and was not claimed is under somebody's lease: no need to ask again at once.
        due_in = (next_attempt_at - self._clock.now()).total_seconds()
        return min(due_in, POLL_SECONDS) if due_in > 0 else POLL_SECONDS


def _next_attempt_at(work: UnitOfWork) -> datetime | None:
    return work.follow_ups.next_attempt_at()
