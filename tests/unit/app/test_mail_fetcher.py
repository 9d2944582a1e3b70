"""Test the loop that fetches mailboxes."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.mail_source import a_message
from fakes import CountingIds, FixedClock, FixedRandomSource, MemoryMailbox
from leads_adapters.mail.reading import read_mail
from leads_adapters.memory.database import MemoryDatabase
from leads_app.mail_fetcher import BATCH, Fetched, FetchedMailbox, FetchObservers, MailFetcher
from leads_app.mail_storage import FAILED
from leads_domain.errors import Unavailable
from leads_domain.incoming_mail import IncomingMail
from leads_domain.mail_source import MailSource, MailSourceUnavailable, Take
from leads_domain.paging import SubmissionQuery
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.receive_mail import ReceivedMail, ReceiveMail

EVERY = timedelta(seconds=60)
AWAY = MailSourceUnavailable("The mail server did not respond in time.")


class FlakyReceive:
    """Stores messages, and raises the errors in `errors` by a word of the message."""

    def __init__(self) -> None:
        self.receive = ReceiveMail(FixedClock(), CountingIds())
        self.errors: dict[str, Exception] = {}

    def __call__(self, work: UnitOfWork, mailbox: str, mail: IncomingMail) -> ReceivedMail:
        for word, error in self.errors.items():
            if word in (mail.text, mail.broken):
                raise error
        return self.receive(work, mailbox, mail)


@dataclass
class Setup:
    """A fetcher of two mailboxes in memory, whose pauses do not last: `after_pause` is called instead."""

    sales: MailSource = field(default_factory=MemoryMailbox)
    after_pause: Callable[["Setup"], None] = lambda setup: setup.fetcher.stop()
    fetcher: MailFetcher = field(init=False)

    def __post_init__(self) -> None:
        self.database = MemoryDatabase()
        self.receive = FlakyReceive()
        self.support = MemoryMailbox()
        self.random_source = FixedRandomSource(0)
        self.pauses: list[float] = []
        self.observed: list[tuple[object, ...]] = []
        self.fetcher = MailFetcher(
            self.database,
            read_mail,
            self.receive,
            [FetchedMailbox("sales", self.sales, EVERY), FetchedMailbox("support", self.support, EVERY)],
            self.random_source,
            FetchObservers(
                lambda *values: self.observed.append(values),
                lambda *values: self.observed.append(values),
                lambda: self.observed.append(("stored",)),
            ),
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.after_pause(self)
        if self.fetcher._stopping.is_set():
            await asyncio.Event().wait()  # until it is cancelled

    async def stored(self) -> Sequence[Mapping[str, str]]:
        """Return the origin and the content of all submissions, newest first."""
        page = await self.database.read(lambda work: work.submissions.page(SubmissionQuery(limit=200)))
        return [{"origin": each.origin, **each.content} for each in page.items]


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test on its own event loop."""
    asyncio.run(asyncio.wait_for(test, 10))


def in_memory(setup: Setup) -> MemoryMailbox:
    assert isinstance(setup.sales, MemoryMailbox)
    return setup.sales


def test_messages_of_all_mailboxes_are_stored_and_marked() -> None:
    async def test() -> None:
        setup = Setup()
        in_memory(setup).add(a_message(1), a_message(2))
        setup.support.add(a_message(3))
        assert await setup.fetcher.run_once() == {"sales": Fetched(stored=2), "support": Fetched(stored=1)}
        stored = [(each["origin"], each["message_id"]) for each in await setup.stored()]
        assert sorted(stored) == [(f"mailbox:{name}", f"{number}@example.com") for name, number in ORIGINS]
        assert in_memory(setup).count_seen() == (2, 0)
        assert setup.observed.count(("stored",)) == 2

    run(test())


ORIGINS = [("sales", 1), ("sales", 2), ("support", 3)]


def test_a_message_in_two_mailboxes_is_stored_once() -> None:
    async def test() -> None:
        setup = Setup()
        in_memory(setup).add(a_message(1))
        await setup.fetcher.run_once()
        setup.support.add(a_message(1))
        with capture_logs() as log:
            assert (await setup.fetcher.run_once())["support"] == Fetched(repeated=1)
        assert log == [
            {"event": "mail_fetched", "log_level": "info", "mailbox": "support", "stored": 0, "repeated": 1, "left": 0}
        ]
        assert len(await setup.stored()) == 1
        assert ("support", 1) in setup.observed
        assert setup.support.count_seen() == (1, 0)

    run(test())


def test_at_most_25_messages_a_second_are_fetched() -> None:
    async def test() -> None:
        setup = Setup(after_pause=lambda _: None)
        in_memory(setup).add(*map(a_message, range(2 * BATCH + 1)))
        assert (await setup.fetcher.run_once())["sales"] == Fetched(stored=2 * BATCH + 1)
        assert BATCH == 25
        assert setup.pauses == [1, 1]

    run(test())


def test_a_mailbox_is_read_again_after_its_interval_or_at_once_if_it_has_more() -> None:
    async def test() -> None:
        setup = Setup(after_pause=lambda setup: setup.fetcher.stop() if len(setup.pauses) == 3 else None)
        setup.fetcher.mailboxes = setup.fetcher.mailboxes[:1]
        in_memory(setup).add(*map(a_message, range(BATCH)))
        await setup.fetcher.run()
        assert setup.pauses == [1, 60, 60]

    run(test())


def test_a_mailbox_that_is_away_is_asked_more_and_more_rarely_and_reported_once() -> None:
    def after(setup: Setup) -> None:
        sales = [pause for pause in setup.pauses if pause != EVERY.total_seconds()]
        if len(sales) == 7:
            in_memory(setup).error = None
        if len(sales) >= 7 and ("sales", True) in setup.observed:
            setup.fetcher.stop()

    async def test() -> None:
        setup = Setup(after_pause=after)
        in_memory(setup).error = AWAY
        in_memory(setup).add(a_message(1))
        setup.support.add(a_message(2))
        with capture_logs() as log:
            await setup.fetcher.run()
        assert [pause for pause in setup.pauses if pause != 60] == [120, 240, 480, 900, 900, 900, 900]
        assert [(line["event"], line.get("reason")) for line in log if line.get("mailbox") == "sales"] == [
            ("mailbox_unavailable", str(AWAY)), ("mailbox_available", None), ("mail_fetched", None),
        ]  # fmt: skip
        assert len(await setup.stored()) == 2

    run(test())


def test_a_mailbox_that_fails_after_some_messages_is_read_again_after_its_interval() -> None:
    class Failing(MemoryMailbox):
        def deliver(self, take: Take, limit: int) -> int:
            super().deliver(take, limit)
            raise AWAY

    def arrive(setup: Setup) -> None:
        if len(setup.pauses) == 3:
            setup.fetcher.stop()
        in_memory(setup).add(*([a_message(2)] if len(setup.pauses) == 2 else []))

    async def test() -> None:
        setup = Setup(sales=Failing(), after_pause=arrive)
        setup.fetcher.mailboxes = setup.fetcher.mailboxes[:1]
        in_memory(setup).add(a_message(1))
        await setup.fetcher.run()
        assert setup.pauses == [60, 120, 60]

    run(test())


def test_the_pause_after_a_failure_is_random() -> None:
    async def test() -> None:
        setup = Setup()
        setup.random_source.number = 0.5
        in_memory(setup).error = setup.support.error = AWAY
        await setup.fetcher.run()
        assert setup.pauses[0] == 90

    run(test())


@pytest.mark.parametrize("error", [AWAY, ZeroDivisionError("secret")])
def test_a_mailbox_that_fails_delays_no_other(error: Exception) -> None:
    async def test() -> None:
        setup = Setup()
        in_memory(setup).error = error
        setup.support.add(a_message(1))
        with capture_logs() as log:
            found = await setup.fetcher.run_once()
        assert found["sales"].failure in (str(AWAY), "The mailbox failed with ZeroDivisionError.")
        assert found["support"] == Fetched(stored=1)
        assert "secret" not in str(log)
        assert ("sales", False) in setup.observed

    run(test())


def test_a_message_that_cannot_be_stored_is_stored_as_broken_and_delays_no_other() -> None:
    async def test() -> None:
        setup = Setup()
        setup.receive.errors["poison"] = ZeroDivisionError("secret")
        in_memory(setup).add(a_message(1, "poison"), a_message(2, "poison"), a_message(3))
        setup.support.add(a_message(1, "poison").replace(b"\r\n", b"\n"))  # the same, from a pipe
        with capture_logs() as log:
            await setup.fetcher.run_once()
        assert "secret" not in str(log)
        assert sorted(each.get("broken", "") for each in await setup.stored()) == ["", FAILED, FAILED]

    run(test())


def test_a_message_that_cannot_be_stored_at_all_stays_unseen_and_delays_no_other() -> None:
    async def test() -> None:
        setup = Setup()
        setup.receive.errors = {"poison": ZeroDivisionError(), FAILED: ZeroDivisionError()}
        in_memory(setup).add(a_message(1, "poison"), a_message(2))
        assert (await setup.fetcher.run_once())["sales"] == Fetched(stored=1, left=1)
        assert in_memory(setup).count_seen() == (1, 1)

    run(test())


def test_messages_wait_while_the_database_is_unavailable() -> None:
    async def test() -> None:
        setup = Setup()
        setup.receive.errors["Hello"] = Unavailable("The database is too busy.")
        in_memory(setup).add(a_message(1))
        with capture_logs() as log:
            found = await setup.fetcher.run_once()
        assert found["sales"] == Fetched(failure="The database is too busy.", is_delayed=True)
        assert [line["event"] for line in log] == ["fetching_delayed"]
        assert in_memory(setup).count_seen() == (0, 1)
        assert ("sales", False) not in setup.observed

    run(test())


@pytest.mark.parametrize(("every", "pause", "longer"), [(60, 60, 120), (10, 10, 20), (3600, 60, 3600)])
def test_a_mailbox_is_read_soon_after_the_database_was_unavailable(every: int, pause: float, longer: float) -> None:
    def after(setup: Setup) -> None:
        in_memory(setup).error = None if 2 <= len(setup.pauses) < 5 else AWAY
        if len(setup.pauses) == 6:
            setup.fetcher.stop()

    async def test() -> None:
        setup = Setup(after_pause=after)
        setup.fetcher.mailboxes = [FetchedMailbox("sales", setup.sales, timedelta(seconds=every))]
        setup.receive.errors["Hello"] = Unavailable("The database is too busy.")
        in_memory(setup).error = AWAY
        in_memory(setup).add(a_message(1))
        await setup.fetcher.run()
        assert setup.pauses[2:] == [pause, pause, pause, longer]

    run(test())


def failing_once() -> Callable[..., Any]:
    """Return a function that fails in its first call."""
    calls = count()

    def fail(*_: object) -> bool:
        if next(calls) == 0:
            raise ZeroDivisionError
        return True

    return fail


def test_an_unexpected_error_ends_the_fetching_of_no_mailbox() -> None:
    async def test() -> None:
        setup = Setup(after_pause=lambda setup: setup.fetcher.stop() if len(setup.pauses) == 4 else None)
        setup.fetcher.observers = FetchObservers(on_state=failing_once())
        with capture_logs() as log:
            await setup.fetcher.run()
        assert sorted(setup.pauses) == [5, 60, 60, 60]
        assert [(line["event"], line["error"]) for line in log] == [("fault", "ZeroDivisionError")]

    run(test())


def test_an_error_while_a_process_asks_for_its_turn_does_not_end_the_fetching() -> None:
    async def test() -> None:
        setup = Setup(after_pause=lambda setup: setup.fetcher.stop() if len(setup.pauses) == 2 else None)
        setup.fetcher.mailboxes = setup.fetcher.mailboxes[:1]
        setup.fetcher.may_fetch = failing_once()
        in_memory(setup).add(a_message(1))
        with capture_logs() as log:
            await setup.fetcher.run()
        assert setup.pauses == [5, 60]
        assert log[0]["event"] == "fault"
        assert in_memory(setup).count_seen() == (1, 0)

    run(test())


def test_an_unexpected_error_is_raised_after_the_other_mailboxes_were_fetched_once() -> None:
    async def test() -> None:
        setup = Setup()
        setup.fetcher.observers = FetchObservers(on_state=failing_once())
        setup.support.add(*map(a_message, range(BATCH + 1)))
        setup.after_pause = lambda _: None
        with pytest.raises(ZeroDivisionError):
            await setup.fetcher.run_once()
        assert setup.support.count_seen() == (BATCH + 1, 0)

    run(test())


class HangingMailbox(MemoryMailbox):
    """A mailbox that hangs before the first message, and passes it on when `go_on` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs, self.go_on, self.ended = Event(), Event(), Event()

    def deliver(self, take: Take, limit: int) -> int:
        """See `MailSource.deliver`."""
        self.hangs.set()
        assert self.go_on.wait(10)
        try:
            return super().deliver(take, limit)
        finally:
            self.ended.set()


def test_a_mailbox_that_hangs_delays_neither_another_one_nor_the_stop() -> None:
    hanging = HangingMailbox()

    async def test() -> None:
        hanging.add(a_message(1))
        setup = Setup(sales=hanging)  # stops in the first pause, after the other mailbox was fetched
        setup.support.add(a_message(2))
        await setup.fetcher.run()
        assert hanging.hangs.is_set()
        hanging.go_on.set()
        assert await asyncio.to_thread(hanging.ended.wait, 10)
        assert [each["origin"] for each in await setup.stored()] == ["mailbox:support"]
        assert hanging.count_seen() == (0, 1)

    run(test())


def test_a_process_waits_for_its_turn() -> None:
    async def test() -> None:
        setup = Setup(after_pause=lambda setup: setup.fetcher.stop() if len(setup.pauses) == 2 else None)
        setup.fetcher.mailboxes = setup.fetcher.mailboxes[:1]
        turns = iter([False, True])
        setup.fetcher.may_fetch = lambda: next(turns)
        in_memory(setup).add(a_message(1))
        await setup.fetcher.run()
        assert setup.pauses == [5, 60]
        assert in_memory(setup).count_seen() == (1, 0)

    run(test())


@pytest.mark.parametrize("mail", [IncomingMail(broken="It cannot be read."), IncomingMail(text="No sender.")])
def test_a_message_that_says_too_little_is_stored_once(mail: IncomingMail) -> None:
    async def test() -> None:
        setup = Setup()
        setup.fetcher.read = lambda _: mail
        in_memory(setup).add(b"\x00\r\n", b"\x01\r\n")
        setup.support.add(b"\x00\n")
        await setup.fetcher.run_once()
        assert len(await setup.stored()) == 2

    run(test())
