"""Send due follow-ups and digests while the service runs."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

import structlog

from leads_adapters.database import Database
from leads_app.logs import error_log
from leads_app.threads import in_daemon_thread
from leads_domain.delivery import Claimed, send
from leads_domain.errors import Unavailable
from leads_domain.notifier import FollowUpNotifier, NotificationError, Refused, TryAgain
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.use_cases.dispatch_follow_ups import DISPATCHER

ATTEMPT = timedelta(seconds=30)
"""The time limit of an attempt. A slower attempt has failed and is retried."""

LEASE = timedelta(seconds=60)
"""The duration of a claim: longer than an attempt, so that no other dispatcher sends the same notice meanwhile."""

SLOTS = 32
"""The maximum number of concurrent attempts on one channel. A crash can repeat at most this many."""

DELIVERY_SECONDS = 7.0
"""The time for running attempts to end after `stop`: less than supervisors wait."""

POLL_SECONDS = 5.0
"""The interval between checks for work without a wake-up, such as claims of a crashed dispatcher."""

RETRY_SECONDS = 1.0
"""The delay before the next access to a database that was not available."""


class Claim(Protocol):
    """The use case that claims the due notices of a queue."""

    def next_attempts(self, work: UnitOfWork) -> Mapping[str, datetime]:
        """Return the time of the next attempt of each channel."""

    def __call__(self, work: UnitOfWork, *, owner: str, limits: Mapping[str, int]) -> Sequence[Claimed[Any]]:
        """Return claimed notices: up to the limit of each channel in `limits`; none if nothing is due."""


class Queue(NamedTuple):
    """The use cases for one kind of notice. `record` records the outcome of an attempt, and returns whether it did."""

    claim: Claim
    record: Callable[[UnitOfWork, Any, NotificationError | None], bool]


class Dispatcher:
    """Claim due notices of each queue, the first queue first, send them in threads, and record the outcomes.

    Any number of dispatchers can share a database. Each channel has separate slots: a slow channel delays only its own
    notices, which stay scheduled for any dispatcher with a free slot. `on_outcome` receives the channel and the
    outcome of each attempt: `sent`, `try_again`, `refused`, or `lost` if it was not recorded.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        queues: Sequence[Queue],
        notifiers: Mapping[str, FollowUpNotifier],
        owner: str,
        on_outcome: Callable[[str, str], None] = lambda _channel, _outcome: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._queues = queues
        self._notifiers = notifiers
        self._owner = owner
        self._on_outcome = on_outcome
        self._busy: Counter[str] = Counter()
        self._hanging: Counter[str] = Counter()
        self._attempts: set[asyncio.Task[None]] = set()
        self._wake_up = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for due notices now."""
        self._wake_up.set()

    def stop(self) -> None:
        """Stop claiming, let running attempts end, and return from `run`."""
        self._stopping = True
        self._wake_up.set()

    async def run(self) -> None:
        """Send notices when they are due, until `stop` is called."""
        watching = asyncio.create_task(self._watch())
        try:
            while not self._stopping:
                self._wake_up.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake_up.wait(), await self._dispatch_due())
        finally:
            watching.cancel()
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=DELIVERY_SECONDS)

    async def run_once(self) -> int:
        """Send all notices that are due now; return the number of attempts."""
        attempts = 0
        while (claimed := await self._start_due_attempts(await self._next_attempts())) or self._attempts:
            attempts += len(claimed)
            if not claimed:
                await asyncio.wait(self._attempts, return_when=asyncio.FIRST_COMPLETED)
        return attempts

    async def _watch(self) -> None:
        """Wake the dispatcher when another process has changed the database."""
        while True:
            await self._database.wait_for_change(POLL_SECONDS)
            self.wake()

    async def _dispatch_due(self) -> float:
        """Start due attempts; return the number of seconds until the dispatcher must look again."""
        try:
            next_attempts = await self._next_attempts()
            if await self._start_due_attempts(next_attempts):
                return 0  # there may be more
        except Unavailable as error:
            structlog.get_logger().warning("dispatch_delayed", reason=str(error))
            return RETRY_SECONDS
        except Exception as error:  # noqa: BLE001 - the dispatcher must not end: nothing else sends notices
            error_log(error, DISPATCHER)
            return RETRY_SECONDS
        now = self._clock.now()
        times = [at for each in next_attempts for at in each.values() if at > now]
        return min([POLL_SECONDS, *((at - now).total_seconds() for at in times)])

    async def _next_attempts(self) -> Sequence[Mapping[str, datetime]]:
        """Return the times of the next attempts of each queue."""
        return await self._database.read(lambda work: [queue.claim.next_attempts(work) for queue in self._queues])

    async def _start_due_attempts(self, next_attempts: Sequence[Mapping[str, datetime]]) -> Sequence[Claimed[Any]]:
        """Claim due notices, as many for each channel as it has free slots; start their attempts and return them.

        An error of one queue does not stop the other queues. It is raised only if nothing was claimed, so that the
        caller looks again at once if there is more to claim.
        """
        started: list[Claimed[Any]] = []
        errors: list[Exception] = []
        for queue, times in zip(self._queues, next_attempts, strict=True):
            try:
                started += await self._start_due_attempts_of(queue, times)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
        if errors and not started:
            raise errors[0]
        return started

    async def _start_due_attempts_of(
        self, queue: Queue, next_attempts: Mapping[str, datetime]
    ) -> Sequence[Claimed[Any]]:
        now = self._clock.now()
        due = [channel for channel, at in next_attempts.items() if at <= now]
        limits = {channel: free for channel in due if (free := self._free_slots(channel))}
        if not limits:
            return ()  # a claim is a write: avoid it
        claimed = await self._database.write(queue.claim, owner=self._owner, limits=limits)
        for each in claimed:
            self._start(queue, each)
        return claimed

    def _free_slots(self, channel: str) -> int:
        """Return the number of free slots, or 0 until half of them are free: claiming one by one is too expensive.

        Slots with hanging attempts are not usable. If all of them hang, every further attempt fails at once and is
        reported.
        """
        usable = SLOTS - self._hanging[channel] or SLOTS
        free = usable - self._busy[channel]
        return free if 2 * free >= usable else 0

    def _start(self, queue: Queue, claimed: Claimed[Any]) -> None:
        self._busy[claimed.notice.channel] += 1
        attempt = asyncio.get_running_loop().create_task(self._attempt(queue, claimed))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)

    async def _attempt(self, queue: Queue, claimed: Claimed[Any]) -> None:
        """Send the notice and record the outcome, then free the slot: until then, a crash would send it again."""
        channel = claimed.notice.channel
        try:
            await self._send_and_record(queue, claimed)
        finally:
            self._busy[channel] -= 1
            if self._free_slots(channel):
                self.wake()

    async def _send_and_record(self, queue: Queue, claimed: Claimed[Any]) -> None:
        late = self._lease_left(claimed) < ATTEMPT  # the lease could expire during the attempt
        error = TryAgain("The lease expires too soon for an attempt.") if late else await self._send(claimed)
        recorded = not late and await self._record_outcome(queue, claimed, error)
        self._on_outcome(claimed.notice.channel, _outcome(error) if recorded else "lost")
        if error is not None or not recorded:
            kind = claimed.notice.kind
            structlog.get_logger().warning(
                f"{kind}_not_sent" if recorded else f"{kind}_lease_lost",
                channel=claimed.notice.channel,
                attempt=claimed.notice.attempt,
                error=type(error).__name__ if error else None,
                **{f"{kind}_id": claimed.item.id},
            )
            self.wake()  # its next attempt may be due first

    async def _send(self, claimed: Claimed[Any]) -> NotificationError | None:
        channel = claimed.notice.channel
        if self._hanging[channel] == SLOTS:
            return TryAgain("The channel hangs: none of its attempts has ended.")
        sending = in_daemon_thread(lambda: send(claimed, self._notifiers))
        try:
            return await asyncio.wait_for(asyncio.shield(sending), ATTEMPT.total_seconds())
        except TimeoutError:
            self._hanging[channel] += 1
            sending.add_done_callback(lambda _: self._hanging.subtract([channel]))
            return TryAgain(f"The channel did not respond within {ATTEMPT.total_seconds():.0f} s.")

    async def _record_outcome(self, queue: Queue, claimed: Claimed[Any], error: NotificationError | None) -> bool:
        """Record the outcome; return whether it was recorded.

        While the database is not available, retry until the lease expires: without a record, the notice is sent again.
        """
        while True:
            try:
                return await self._database.write(queue.record, claimed.item, error)
            except Unavailable:
                if self._stopping or self._lease_left(claimed) <= timedelta(0):
                    return False
                await asyncio.sleep(RETRY_SECONDS)

    def _lease_left(self, claimed: Claimed[Any]) -> timedelta:
        lease = claimed.item.lease
        return lease.until - self._clock.now() if lease else timedelta(0)


def _outcome(error: NotificationError | None) -> str:
    match error:
        case None:
            return "sent"
        case Refused():
            return "refused"
        case _:
            return "try_again"
