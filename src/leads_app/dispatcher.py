"""Sends due follow-ups for as long as the service runs."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread

import structlog

from leads_adapters.database import Database
from leads_app.logs import error_log
from leads_domain.errors import Unavailable
from leads_domain.notifier import FollowUpNotifier, NotificationError, Refused, TryAgain
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.use_cases.dispatch_follow_ups import (
    DISPATCHER,
    ClaimDueFollowUps,
    Claimed,
    RecordOutcome,
    send,
)

ATTEMPT = timedelta(seconds=30)
"""How long a notifier may take; what takes longer counts as failed, and is tried again."""

LEASE = timedelta(seconds=60)
"""How long a claim holds: longer than an attempt, so that nobody else makes the same one meanwhile."""

SLOTS = 32
"""How many notices one channel is given at once: what a crash can cause to be sent again."""

DELIVERY_SECONDS = 7.0
"""How long attempts under way have to end when the dispatcher is stopped: less than supervisors wait."""

POLL_SECONDS = 5.0
"""After how long to look for work that nobody has announced, such as what a dispatcher that died had claimed."""

AWAY_SECONDS = 1.0
"""After how long to ask a database again that was out of reach."""


class Dispatcher:
    """Claims what is due, sends it in threads, and records the outcomes. Any number may share a database.

    Each channel has slots of its own: one that is slow or hangs holds up its own follow-ups only, which
    stay scheduled for a dispatcher with a free slot. `on_outcome` gets the channel and the outcome of every attempt:
    sent, try_again, refused, or lost if it was not recorded.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        claim: ClaimDueFollowUps,
        record: RecordOutcome,
        notifiers: Mapping[str, FollowUpNotifier],
        owner: str,
        on_outcome: Callable[[str, str], None] = lambda _channel, _outcome: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._claim = claim
        self._record = record
        self._notifiers = notifiers
        self._owner = owner
        self._on_outcome = on_outcome
        self._busy: Counter[str] = Counter()
        self._hanging: Counter[str] = Counter()
        self._attempts: set[asyncio.Task[None]] = set()
        self._work = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for due follow-ups now."""
        self._work.set()

    def stop(self) -> None:
        """Claim nothing more, let the attempts under way end, and return from `run`."""
        self._stopping = True
        self._work.set()

    async def run(self) -> None:
        """Send what is due, and what falls due, until `stop` is called."""
        watching = asyncio.create_task(self._watch())
        try:
            while not self._stopping:
                self._work.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), await self._seconds_to_wait())
        finally:
            watching.cancel()
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=DELIVERY_SECONDS)

    async def run_once(self) -> int:
        """Send everything that is due now; answers the number of attempts."""
        attempts = 0
        while (begun := await self._begin_what_is_due(await self._next_attempts())) or self._attempts:
            attempts += len(begun)
            if not begun:
                await asyncio.wait(self._attempts, return_when=asyncio.FIRST_COMPLETED)
        return attempts

    async def _watch(self) -> None:
        """Wake when other processes have scheduled something."""
        while True:
            await self._database.wait_for_change(POLL_SECONDS)
            self.wake()

    async def _seconds_to_wait(self) -> float:
        """Begin what is due. How long to wait for what falls due next, or to look again."""
        try:
            next_attempts = await self._next_attempts()
            if await self._begin_what_is_due(next_attempts):
                return 0  # there may be more
        except Unavailable as error:
            structlog.get_logger().warning("dispatch_delayed", reason=str(error))
            return AWAY_SECONDS
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing else would send the follow-ups
            error_log(error, DISPATCHER)
            return AWAY_SECONDS
        now = self._clock.now()
        return min([POLL_SECONDS, *((at - now).total_seconds() for at in next_attempts.values() if at > now)])

    async def _next_attempts(self) -> Mapping[str, datetime]:
        return await self._database.read(_next_attempts, self._clock.now())

    async def _begin_what_is_due(self, next_attempts: Mapping[str, datetime]) -> Sequence[Claimed]:
        """The follow-ups with which an attempt was begun: of each channel as many as it has free slots for."""
        now = self._clock.now()
        due = [channel for channel, at in next_attempts.items() if at <= now]
        limits = {channel: free for channel in due if (free := self._free_slots(channel))}
        if not limits:
            return ()  # a claim is a write: not for nothing
        claimed = await self._database.write(self._claim, owner=self._owner, limits=limits)
        for each in claimed:
            self._begin(each)
        return claimed

    def _free_slots(self, channel: str) -> int:
        """None before half of them are free: a claim for each that ends would cost more than the wait.

        Those whose attempts never end are out of use. When all are, every attempt fails at once, for all to see.
        """
        usable = SLOTS - self._hanging[channel] or SLOTS
        free = usable - self._busy[channel]
        return free if 2 * free >= usable else 0

    def _begin(self, claimed: Claimed) -> None:
        self._busy[claimed.notice.channel] += 1
        attempt = asyncio.get_running_loop().create_task(self._attempt(claimed))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)

    async def _attempt(self, claimed: Claimed) -> None:
        """Send and record. Only then is the slot free: until its outcome is durable, a crash would send it again."""
        channel = claimed.notice.channel
        try:
            await self._send_and_record(claimed)
        finally:
            self._busy[channel] -= 1
            if self._free_slots(channel):
                self.wake()

    async def _send_and_record(self, claimed: Claimed) -> None:
        late = self._lease_left(claimed) < ATTEMPT  # it could still be under way when somebody else begins the same
        error = TryAgain("It was claimed too late.") if late else await self._send(claimed)
        recorded = not late and await self._record_outcome(claimed, error)
        self._on_outcome(claimed.notice.channel, _outcome(error) if recorded else "lost")
        if error is not None or not recorded:
            structlog.get_logger().warning(
                "follow_up_not_sent" if recorded else "follow_up_lease_lost",
                follow_up_id=claimed.follow_up.id,
                channel=claimed.notice.channel,
                attempt=claimed.notice.attempt,
                error=type(error).__name__ if error else None,
            )
            self.wake()  # its next attempt may be the next of all

    async def _send(self, claimed: Claimed) -> NotificationError | None:
        channel = claimed.notice.channel
        if self._hanging[channel] == SLOTS:
            return TryAgain("The channel hangs: none of its attempts ends.")
        sending = self._send_in_thread(claimed)
        try:
            return await asyncio.wait_for(asyncio.shield(sending), ATTEMPT.total_seconds())
        except TimeoutError:
            self._hanging[channel] += 1
            sending.add_done_callback(lambda _: self._hanging.subtract([channel]))
            return TryAgain(f"The channel did not answer within {ATTEMPT.total_seconds():.0f} s.")

    def _send_in_thread(self, claimed: Claimed) -> asyncio.Future[NotificationError | None]:
        """Return the result of an attempt, made in a thread that the end of the process does not wait for."""
        loop = asyncio.get_running_loop()
        sent: asyncio.Future[NotificationError | None] = loop.create_future()

        def run() -> None:
            error = send(claimed, self._notifiers)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(sent.set_result, error)

        Thread(target=run, daemon=True).start()
        return sent

    async def _record_outcome(self, claimed: Claimed, error: NotificationError | None) -> bool:
        """Whether it was recorded. A database that is away is asked again: what is not recorded is sent again."""
        while True:
            try:
                return await self._database.write(self._record, claimed.follow_up, error)
            except Unavailable:
                if self._stopping or self._lease_left(claimed) <= timedelta(0):
                    return False
                await asyncio.sleep(AWAY_SECONDS)

    def _lease_left(self, claimed: Claimed) -> timedelta:
        lease = claimed.follow_up.lease
        return lease.until - self._clock.now() if lease else timedelta(0)


def _outcome(error: NotificationError | None) -> str:
    match error:
        case None:
            return "sent"
        case Refused():
            return "refused"
        case _:
            return "try_again"


def _next_attempts(work: UnitOfWork, now: datetime) -> Mapping[str, datetime]:
    return work.follow_ups.next_attempts(now)
