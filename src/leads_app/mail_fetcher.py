"""Fetch the messages of mailboxes while the service runs.

A message is stored, then marked as seen, then processed. See `docs/decisions/0049-mailboxes.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from leads_adapters.database import Database
from leads_app.logs import error_log
from leads_app.mail_storage import FETCHER, Receive, identified, store_message
from leads_app.threads import in_daemon_thread
from leads_domain.errors import Unavailable
from leads_domain.incoming_mail import IncomingMail
from leads_domain.mail_source import MailSource, MailSourceUnavailable
from leads_domain.sources import RandomSource

BATCH = 25
"""The maximum number of messages of a mailbox in one second."""

BATCH_PAUSE = timedelta(seconds=1)
BACK_OFF_MAX = timedelta(minutes=15)

DELAY_MAX = timedelta(minutes=1)
"""The maximum pause after the database was unavailable."""

TURN_SECONDS = 5.0
"""The interval in which a process asks whether another one still fetches, and the pause after an unexpected error."""


@dataclass(frozen=True, slots=True)
class FetchedMailbox:
    """A mailbox that is fetched, with the interval between two looks."""

    name: str
    source: MailSource
    every: timedelta


@dataclass(slots=True)
class Fetched:
    """The result of one or more deliveries of a mailbox.

    `left` counts messages that could not be stored. `failure` is a sentence: why the last delivery ended early. With
    `is_delayed`, the reason was the database, not the mailbox.
    """

    stored: int = 0
    repeated: int = 0
    left: int = 0
    failure: str | None = None
    is_delayed: bool = False

    @property
    def has_more(self) -> bool:
        """Return whether further messages may wait, after one delivery."""
        return self.failure is None and self.stored + self.repeated >= BATCH

    def add(self, later: "Fetched") -> None:
        """Add the result of a later delivery."""
        self.stored += later.stored
        self.repeated += later.repeated
        self.left += later.left
        self.failure = later.failure
        self.is_delayed = later.is_delayed


@dataclass(frozen=True, slots=True)
class FetchObservers:
    """The functions that learn whether a mailbox is available, how many messages are repeated, and of new ones."""

    on_state: Callable[[str, bool], None] = lambda _, __: None
    on_repeated: Callable[[str, int], None] = lambda _, __: None
    on_stored: Callable[[], None] = lambda: None


class _Stopped(Exception):
    """The service stops, so no further message is stored."""


@dataclass(slots=True)
class MailFetcher:
    """Fetches each mailbox on its own, so that none delays another. Several processes may fetch the same ones.

    `read` returns the content of a message, and never fails. `may_fetch` returns whether it is the turn of this
    process: of several workers, one fetches.
    """

    database: Database
    read: Callable[[bytes], IncomingMail]
    receive: Receive
    mailboxes: Sequence[FetchedMailbox]
    random_source: RandomSource
    observers: FetchObservers = field(default_factory=FetchObservers)
    may_fetch: Callable[[], bool] = lambda: True
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _stopping: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _failures: dict[str, int] = field(default_factory=dict, init=False)
    _problems: dict[str, str] = field(default_factory=dict, init=False)

    def stop(self) -> None:
        """Let `run` return at once. A message that is not stored yet stays unseen."""
        self._stopping.set()

    async def run(self) -> None:
        """Fetch all mailboxes until `stop` is called."""
        fetching = asyncio.create_task(self._watch_all())
        await self._stopping.wait()
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)

    async def run_once(self) -> Mapping[str, Fetched]:
        """Fetch all unseen messages, and return the result for each mailbox. None delays another.

        An unexpected error is raised after the other mailboxes were fetched.
        """
        fetching = {mailbox.name: asyncio.create_task(self._empty(mailbox)) for mailbox in self.mailboxes}
        await asyncio.gather(*fetching.values(), return_exceptions=True)
        return {name: task.result() for name, task in fetching.items()}

    async def _watch_all(self) -> None:
        await self._restart(self._wait_for_turn)
        await asyncio.gather(*(self._restart(partial(self._watch, mailbox)) for mailbox in self.mailboxes))

    async def _restart(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, and start it again after each unexpected error: nothing else fetches mail."""
        while True:
            try:
                return await work()
            except Exception as error:  # noqa: BLE001 - fetching must not end
                error_log(error, FETCHER)
            await self.sleep(TURN_SECONDS)

    async def _wait_for_turn(self) -> None:
        while not self.may_fetch():
            await self.sleep(TURN_SECONDS)

    async def _watch(self, mailbox: FetchedMailbox) -> None:
        while True:
            fetched = await self._fetch(mailbox)
            await self.sleep(self._pause_after(mailbox, fetched).total_seconds())

    async def _empty(self, mailbox: FetchedMailbox) -> Fetched:
        total = Fetched()
        while True:
            fetched = await self._fetch(mailbox)
            total.add(fetched)
            if not fetched.has_more:
                return total
            await self.sleep(BATCH_PAUSE.total_seconds())

    def _pause_after(self, mailbox: FetchedMailbox, fetched: Fetched) -> timedelta:
        """Return the pause after a delivery. After failures in a row it doubles, less a random part of up to a half.

        A delivery that has brought messages is no failure: they must not wait because one of them cannot be read.
        Neither is one that the database has ended: the mailbox was available.
        """
        if fetched.is_delayed:
            self._failures.pop(mailbox.name, None)
            return min(mailbox.every, DELAY_MAX)
        if fetched.failure is None or fetched.stored or fetched.repeated:
            self._failures.pop(mailbox.name, None)
            return BATCH_PAUSE if fetched.has_more else mailbox.every
        failures = self._failures[mailbox.name] = self._failures.get(mailbox.name, 0) + 1
        longest = max(BACK_OFF_MAX, mailbox.every)
        bound = min(mailbox.every * int(2 ** min(failures, 20)), longest)
        fraction: float = 1 - self.random_source.random() / 2
        return bound * fraction

    async def _fetch(self, mailbox: FetchedMailbox) -> Fetched:
        """Store the unseen messages of one delivery. Errors are reported, and never raised."""
        fetched = Fetched()
        take = self._taker(mailbox, fetched, asyncio.get_running_loop())
        try:
            await in_daemon_thread(lambda: mailbox.source.deliver(take, BATCH))
        except _Stopped:
            pass
        except Unavailable as error:
            fetched.failure, fetched.is_delayed = str(error), True
            structlog.get_logger().warning("fetching_delayed", mailbox=mailbox.name, reason=str(error))
        except MailSourceUnavailable as error:
            self._report_problem(mailbox.name, str(error))
            fetched.failure = str(error)
        except Exception as error:  # noqa: BLE001 - the other mailboxes, and this one later, must be fetched
            error_log(error, FETCHER)
            fetched.failure = f"The mailbox failed with {type(error).__name__}."
            self._report_problem(mailbox.name, fetched.failure)
        else:
            self._report_problem(mailbox.name, None)
        self._report_messages(mailbox.name, fetched)
        return fetched

    def _taker(
        self, mailbox: FetchedMailbox, fetched: Fetched, loop: asyncio.AbstractEventLoop
    ) -> Callable[[bytes], bool]:
        """Return the function that stores a message. It runs in the delivery's thread, and waits for the commit."""

        def take(message: bytes) -> bool:
            if self._stopping.is_set():
                raise _Stopped
            mail = identified(self.read(message), message)
            storing = store_message(self.database, self.receive, mailbox.name, mail, message)
            try:
                received = asyncio.run_coroutine_threadsafe(storing, loop).result()
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - the messages behind this one must be stored
                if self._stopping.is_set():  # the loop has cancelled the call
                    raise _Stopped from None
                error_log(error, FETCHER)
                fetched.left += 1
                return False
            fetched.repeated += received.is_repeated
            fetched.stored += not received.is_repeated
            return True

        return take

    def _report_messages(self, mailbox: str, fetched: Fetched) -> None:
        numbers = {"stored": fetched.stored, "repeated": fetched.repeated, "left": fetched.left}
        if any(numbers.values()):
            structlog.get_logger().info("mail_fetched", mailbox=mailbox, **numbers)
        if fetched.repeated:
            self.observers.on_repeated(mailbox, fetched.repeated)
        if fetched.stored:
            self.observers.on_stored()

    def _report_problem(self, mailbox: str, problem: str | None) -> None:
        """Log each change of what is wrong with a mailbox, so not the same problem at each look."""
        self.observers.on_state(mailbox, problem is None)
        before = self._problems.pop(mailbox, None)
        if problem is not None:
            self._problems[mailbox] = problem
        if problem is not None and problem != before:
            structlog.get_logger().warning("mailbox_unavailable", mailbox=mailbox, reason=problem)
        if problem is None and before is not None:
            structlog.get_logger().info("mailbox_available", mailbox=mailbox)
