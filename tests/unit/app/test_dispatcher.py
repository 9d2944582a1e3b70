"""Test that the dispatcher sends due follow-ups and tolerates failures of channels and the database."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from builders import NOON, details_input
from databases import TIMEOUT_SECONDS, database_url
from fakes import CountingIds, FixedClock, FixedEntropy, FixedRandomSource, RecordingNotifier
from leads_adapters.database import Database
from leads_adapters.memory.database import MemoryDatabase
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_app.dispatcher import ATTEMPT, LEASE, SLOTS, Dispatcher, Queue
from leads_app.factories import make_database, make_engine
from leads_domain.errors import Unavailable
from leads_domain.follow_up import FollowUp, FollowUpState, RetryPolicy
from leads_domain.notifier import Address, FollowUpNotice, FollowUpNotifier, Receipt, Refused, TryAgain
from leads_domain.paging import LIMIT_MAX, FollowUpQuery
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRules
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, RecordOutcome
from leads_domain.use_cases.register_lead import RegisterLead
from leads_domain.use_cases.trigger_follow_up import FollowUpInput, TriggerFollowUp

HOUR = timedelta(hours=1)
SENT, SCHEDULED, FAILED = FollowUpState.SENT, FollowUpState.SCHEDULED, FollowUpState.FAILED
CHANNELS = ("log", "mail")


class FlakyDatabase(MemoryDatabase):
    """A database that raises the errors in `errors`, one for each call."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[Exception] = []
        self.before_write: Callable[[], object] = lambda: None

    async def read(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self._fail()
        return await super().read(use_case, *args, **kwargs)

    async def write(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self.before_write()
        self._fail()
        return await super().write(use_case, *args, **kwargs)

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop()


class HangingNotifier:
    """A notifier that hangs until `resume` is set."""

    needs: Address | None = None

    def __init__(self) -> None:
        self.notices: list[FollowUpNotice] = []
        self.resume = threading.Event()

    def notify(self, notice: FollowUpNotice) -> Receipt:
        self.notices.append(notice)
        self.resume.wait(TIMEOUT_SECONDS)
        return Receipt()


@dataclass
class Setup:
    """A dispatcher with its database, clock and channels, and a lead."""

    database: Database = field(default_factory=FlakyDatabase)
    clock: FixedClock = field(default_factory=FixedClock)
    log: RecordingNotifier = field(default_factory=RecordingNotifier)
    mail: FollowUpNotifier = field(default_factory=RecordingNotifier)
    owner: str = "here"
    first_queues: Sequence[Queue] = ()
    outcomes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = CountingIds()
        retry, rules = RetryPolicy(), FollowUpRules(ids, "log")
        self.register = RegisterLead(self.clock, ids, SimpleNormalizer(), DEFAULT_PIPELINE, rules)
        self.trigger = TriggerFollowUp(self.clock, ids, dict.fromkeys(CHANNELS), "log")
        self.claim = ClaimDueFollowUps(self.clock, LEASE, retry, dict.fromkeys(CHANNELS), FixedEntropy())
        self.dispatcher = Dispatcher(
            self.database,
            self.clock,
            [*self.first_queues, Queue(self.claim, RecordOutcome(self.clock, ids, FixedRandomSource(), retry))],
            {"log": self.log, "mail": self.mail},
            owner=self.owner,
            on_outcome=lambda channel, outcome: self.outcomes.append(f"{channel} {outcome}"),
        )

    async def register_lead(self) -> None:
        self.lead = (await self.database.write(self.register, details_input(), actor="test")).lead

    async def schedule(self, channel: str = "log", times: int = 1, **values: Any) -> None:
        for _ in range(times):
            await self.database.write(
                self.trigger, self.lead.id, cast(FollowUpInput, {"channel": channel, **values}), actor="test"
            )

    async def stored(self, channel: str | None = None) -> list[FollowUp]:
        query = FollowUpQuery(channel=channel, limit=LIMIT_MAX)
        page = await self.database.read(lambda work: work.follow_ups.page(query))
        return list(page.items)

    async def states(self, channel: str | None = None) -> Mapping[FollowUpState, int]:
        return Counter(each.state for each in await self.stored(channel))

    async def until(self, condition: Callable[[list[FollowUp]], bool]) -> None:
        """Wait until the follow-ups fulfil a condition. Fail after a time-out."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not condition(await self.stored()):
                await asyncio.sleep(0.001)

    @asynccontextmanager
    async def running(self) -> Any:
        """Run the dispatcher within the block."""
        running = asyncio.create_task(self.dispatcher.run())
        try:
            yield
        finally:
            self.dispatcher.stop()
            await running


def flaky_database(setup: Setup) -> FlakyDatabase:
    """Return the database of the setup."""
    assert isinstance(setup.database, FlakyDatabase)
    return setup.database


def all_sent(stored: list[FollowUp]) -> bool:
    """Return True if all follow-ups are sent."""
    return {each.state for each in stored} == {SENT}


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a function that runs a scenario with a time-out."""
    with asyncio.Runner() as runner:
        yield lambda scenario: runner.run(asyncio.wait_for(scenario, TIMEOUT_SECONDS))


@pytest.fixture
def hanging() -> Iterator[HangingNotifier]:
    notifier = HangingNotifier()
    yield notifier
    notifier.resume.set()


@pytest.fixture
def log() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits of the dispatcher, except for the end of an attempt."""
    monkeypatch.setattr("leads_app.dispatcher.DELIVERY_SECONDS", 0.05)
    monkeypatch.setattr("leads_app.dispatcher.RETRY_SECONDS", 0.001)


@pytest.fixture
def short_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit attempts to 0.5 s, which is enough for a working notifier on a busy machine."""
    monkeypatch.setattr("leads_app.dispatcher.ATTEMPT", timedelta(seconds=0.5))


def test_run_once_sends_every_due_follow_up(run: Run) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        await setup.schedule(times=2 * SLOTS + 1)
        await setup.schedule("mail")
        await setup.schedule(due_at=setup.clock.now() + HOUR)

        assert await setup.dispatcher.run_once() == 2 * SLOTS + 2
        assert len(setup.log.accepted) == 2 * SLOTS + 1
        assert await setup.states() == {SENT: 2 * SLOTS + 2, SCHEDULED: 1}
        assert await setup.dispatcher.run_once() == 0
        assert Counter(setup.outcomes) == {"log sent": 2 * SLOTS + 1, "mail sent": 1}

    run(scenario())


def test_the_outcome_of_every_attempt_is_reported(run: Run) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        for error in (TimeoutError(), TryAgain("later"), Refused("never")):
            setup.log.fail_with(error)
            await setup.schedule()
            await setup.dispatcher.run_once()
        assert setup.outcomes == ["log try_again", "log try_again", "log refused"]

    run(scenario())


def test_a_running_dispatcher_sends_new_work_when_it_is_woken(run: Run) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        async with setup.running():
            for _ in range(3):
                await setup.schedule()
                setup.dispatcher.wake()
                await setup.until(all_sent)

    run(scenario())


def test_a_running_dispatcher_sends_a_follow_up_when_it_becomes_due(run: Run) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        soon = timedelta(milliseconds=50)
        await setup.schedule(due_at=setup.clock.now() + soon)
        async with setup.running():
            await asyncio.sleep(0)
            assert setup.log.notices == []
            setup.clock.advance(soon)
            await setup.until(all_sent)  # without a call of `wake`

    run(scenario())


def test_a_failed_attempt_is_retried_when_it_is_due(run: Run) -> None:
    async def scenario() -> None:
        setup = Setup()
        setup.log.fail_with(TimeoutError())
        await setup.register_lead()
        await setup.schedule()
        async with setup.running():
            await setup.until(lambda stored: stored[0].attempts == 1 and stored[0].lease is None)
            (waiting,) = await setup.stored()
            assert waiting.next_attempt_at is not None
            setup.clock.time = waiting.next_attempt_at
            setup.dispatcher.wake()
            await setup.until(all_sent)

    run(scenario())


@pytest.mark.parametrize("error", [Unavailable("unavailable"), ZeroDivisionError("broken")])
def test_a_failing_database_only_delays_the_work(
    run: Run, short_waits: None, log: list[MutableMapping[str, Any]], error: Exception
) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        await setup.schedule()
        flaky_database(setup).errors = [error] * 3
        async with setup.running():
            while flaky_database(setup).errors:
                await asyncio.sleep(0)
            await setup.until(all_sent)

    run(scenario())
    assert {line["event"] for line in log} == {"dispatch_delayed" if isinstance(error, Unavailable) else "fault"}


def test_a_slow_channel_does_not_delay_others(run: Run, hanging: HangingNotifier) -> None:
    async def scenario() -> None:
        setup = Setup(mail=hanging)
        await setup.register_lead()
        await setup.schedule("mail", times=2 * SLOTS)
        await setup.schedule("log", times=3 * SLOTS)
        async with setup.running():
            while (await setup.states("log"))[SENT] < 3 * SLOTS:
                await asyncio.sleep(0.001)
            assert len(hanging.notices) == SLOTS
            # Follow-ups without a free slot stay unclaimed: other dispatchers can send them.
            assert sum(each.lease is None for each in await setup.stored("mail")) == SLOTS
            hanging.resume.set()
            await setup.until(all_sent)
        assert len(hanging.notices) == 2 * SLOTS

    run(scenario())


def test_in_run_once_a_slow_channel_does_not_delay_others(
    run: Run, short_waits: None, short_attempts: None, hanging: HangingNotifier
) -> None:
    async def scenario() -> None:
        setup = Setup(mail=hanging)
        await setup.register_lead()
        await setup.schedule("mail", times=SLOTS + 1)
        await setup.schedule("log", times=3 * SLOTS)
        assert await setup.dispatcher.run_once() == 4 * SLOTS + 1
        assert await setup.states("log") == {SENT: 3 * SLOTS}

    run(scenario())


def test_an_attempt_that_takes_too_long_fails(
    run: Run, short_waits: None, short_attempts: None, hanging: HangingNotifier, log: list[MutableMapping[str, Any]]
) -> None:
    async def scenario() -> None:
        setup = Setup(mail=hanging)
        await setup.register_lead()
        await setup.schedule("mail")
        async with setup.running():
            await setup.until(lambda stored: stored[0].last_error is not None)
        (failed,) = await setup.stored()
        assert (failed.state, failed.attempts, failed.lease) == (SCHEDULED, 1, None)
        assert "did not respond within" in (failed.last_error or "")
        hanging.resume.set()

    run(scenario())
    assert [(line["event"], line["error"]) for line in log] == [("follow_up_not_sent", "TryAgain")]


def test_attempts_that_never_end_only_occupy_their_slots(
    run: Run, short_waits: None, short_attempts: None, hanging: HangingNotifier
) -> None:
    async def scenario() -> None:
        setup = Setup(mail=hanging)
        await setup.register_lead()
        await setup.schedule("mail", times=SLOTS - 1)
        async with setup.running():
            await setup.until(lambda stored: all(each.last_error for each in stored))
            await setup.schedule("mail")  # for the last free slot
            setup.dispatcher.wake()
            await setup.until(lambda stored: all(each.last_error for each in stored))
            await setup.until(lambda _: len(hanging.notices) == SLOTS)

            # All slots are occupied: new attempts fail at once, without a call of the notifier.
            await setup.schedule("mail", times=3)
            setup.dispatcher.wake()
            await setup.until(lambda stored: sum("hangs" in (each.last_error or "") for each in stored) == 3)
            assert len(hanging.notices) == SLOTS

            # When the calls end, the slots are free again, and the failed attempts are retried.
            hanging.resume.set()
            while not all_sent(await setup.stored()):
                setup.clock.advance(HOUR)
                setup.dispatcher.wake()
                await asyncio.sleep(0.05)

    run(scenario())


def test_a_stopped_dispatcher_finishes_its_attempts(run: Run) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        await setup.schedule()
        running = asyncio.create_task(setup.dispatcher.run())
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (await setup.stored())[0].lease:
                await asyncio.sleep(0)
        setup.dispatcher.stop()
        await running
        assert await setup.states() == {SENT: 1}

    run(scenario())


def test_a_stopped_dispatcher_does_not_wait_for_attempts_that_hang(
    run: Run, hanging: HangingNotifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads_app.dispatcher.DELIVERY_SECONDS", 0.05)

    async def scenario() -> None:
        setup = Setup(mail=hanging)
        await setup.register_lead()
        await setup.schedule("mail")
        async with setup.running():
            await setup.until(lambda _: bool(hanging.notices))
        assert await setup.states() == {SCHEDULED: 1}

    run(scenario())


def test_an_outcome_is_recorded_when_the_database_is_available_again(
    run: Run, short_waits: None, hanging: HangingNotifier
) -> None:
    async def scenario() -> None:
        setup = Setup(mail=hanging)
        await setup.register_lead()
        await setup.schedule("mail")
        async with setup.running():
            await setup.until(lambda _: bool(hanging.notices))
            flaky_database(setup).errors = [Unavailable("unavailable")] * 10
            hanging.resume.set()
            while flaky_database(setup).errors:
                await asyncio.sleep(0.001)
            await setup.until(all_sent)
        assert len(hanging.notices) == 1

    run(scenario())


def test_attempts_with_unrecorded_outcomes_occupy_their_slots(run: Run) -> None:
    class SlowDatabase(MemoryDatabase):
        resume = asyncio.Event()

        async def write(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            if isinstance(use_case, RecordOutcome):
                await self.resume.wait()
            return await super().write(use_case, *args, **kwargs)

    async def scenario() -> None:
        setup = Setup(database=SlowDatabase())
        await setup.register_lead()
        await setup.schedule(times=2 * SLOTS)
        async with setup.running():
            await setup.until(lambda _: len(setup.log.accepted) >= SLOTS)
            for _ in range(20):
                setup.dispatcher.wake()
                await asyncio.sleep(0.005)
            assert sum(each.lease is not None for each in await setup.stored()) == SLOTS
            SlowDatabase.resume.set()
            await setup.until(all_sent)

    run(scenario())


def test_an_outcome_that_is_not_recorded_before_the_lease_expires_is_dropped(
    run: Run, short_waits: None, log: list[MutableMapping[str, Any]]
) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        await setup.schedule()

        def fail_to_record() -> None:
            if setup.log.accepted:
                setup.clock.advance(LEASE)
                flaky_database(setup).errors = [Unavailable("unavailable")]
                flaky_database(setup).before_write = lambda: None

        flaky_database(setup).before_write = fail_to_record
        assert await setup.dispatcher.run_once() == 2  # the lease has expired: the same notice is sent again
        assert await setup.states() == {SENT: 1}
        first, second = setup.log.accepted
        assert first.idempotency_key == second.idempotency_key
        assert setup.outcomes == ["log lost", "log sent"]

    run(scenario())
    assert [line["event"] for line in log] == ["follow_up_lease_lost"]


def test_a_claim_that_takes_too_long_is_not_used(run: Run, log: list[MutableMapping[str, Any]]) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        await setup.schedule()
        database, write = flaky_database(setup), MemoryDatabase.write

        async def slow_write(use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            result = await write(database, use_case, *args, **kwargs)
            if use_case is setup.claim:
                setup.clock.advance(LEASE - ATTEMPT + timedelta(microseconds=1))
            return result

        database.write = slow_write  # type: ignore[method-assign]
        assert await setup.dispatcher.run_once() == 1
        assert setup.log.notices == []
        assert await setup.states() == {SCHEDULED: 1}

    run(scenario())
    assert [line["event"] for line in log] == ["follow_up_lease_lost"]


def test_a_follow_up_that_crashes_its_dispatcher_each_time_fails(run: Run) -> None:
    async def scenario() -> None:
        setup = Setup()
        await setup.register_lead()
        await setup.schedule()
        for _ in range(RetryPolicy().attempts):
            assert len(await setup.database.write(setup.claim, owner="crashed", limits={"log": 1})) == 1
            setup.clock.advance(LEASE)
        await setup.dispatcher.run_once()
        assert await setup.states() == {FAILED: 1}
        assert setup.log.notices == []

    run(scenario())


def test_the_log_of_a_refused_notice_has_no_personal_data(run: Run, log: list[MutableMapping[str, Any]]) -> None:
    async def scenario() -> None:
        setup = Setup()
        setup.log.fail_with(Refused("john@example.com is unknown"))
        await setup.register_lead()
        await setup.schedule()
        await setup.dispatcher.run_once()

    run(scenario())
    (line,) = log
    assert {**line, "follow_up_id": ""} == {
        "event": "follow_up_not_sent",
        "log_level": "warning",
        "follow_up_id": "",
        "channel": "log",
        "attempt": 1,
        "error": "Refused",
    }


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
class TestSeveralDispatchers:
    """Several dispatchers on one database, each with separate connections."""

    @pytest.fixture
    def setups(self, store: str, tmp_path: Path, run: Run) -> Iterator[list[Setup]]:
        notifier, clock = RecordingNotifier(), FixedClock()
        with ExitStack() as closing:
            url = closing.enter_context(database_url(store, tmp_path))
            assert url is not None
            yield [
                Setup(make_database(make_engine(url)), clock, notifier, notifier, owner=str(number))
                for number in range(3)
            ]

    def test_never_send_a_notice_twice(self, setups: list[Setup], run: Run) -> None:
        async def scenario() -> None:
            first = setups[0]
            await first.register_lead()
            running = [asyncio.create_task(setup.dispatcher.run()) for setup in setups]
            await first.schedule("log", times=60)
            await first.schedule("mail", times=60)
            await first.until(all_sent)
            for setup, each in zip(setups, running, strict=True):
                setup.dispatcher.stop()
                await each
            for setup in setups:
                await setup.database.close()

        run(scenario())
        sent = Counter(notice.follow_up_id for notice in setups[0].log.notices)
        assert len(sent) == 120
        assert set(sent.values()) == {1}

    def test_send_the_claimed_follow_ups_of_a_killed_dispatcher(self, setups: list[Setup], run: Run) -> None:
        async def scenario() -> None:
            first, *others = setups
            await first.register_lead()
            await first.schedule(times=5)
            assert len(await first.database.write(first.claim, owner="crashed", limits={"log": 3})) == 3
            assert [await setup.dispatcher.run_once() for setup in setups] == [2, 0, 0]
            first.clock.advance(LEASE)
            assert [await setup.dispatcher.run_once() for setup in others] == [3, 0]
            assert all_sent(await first.stored())
            assert sorted(each.attempts for each in await first.stored()) == [1, 1, 2, 2, 2]
            for setup in setups:
                await setup.database.close()

        run(scenario())


class FailingClaim:
    """A claim that always fails."""

    def next_attempts(self, _: UnitOfWork) -> Mapping[str, datetime]:
        return {"log": NOON}

    def __call__(self, *_: object, **__: object) -> Sequence[Any]:
        raise ZeroDivisionError


def test_a_queue_that_fails_does_not_stop_the_others(run: Run, log: list[MutableMapping[str, Any]]) -> None:
    async def scenario() -> None:
        setup = Setup(first_queues=[Queue(FailingClaim(), lambda *_: True)])
        await setup.register_lead()
        await setup.schedule()
        async with setup.running():
            await setup.until(all_sent)

    run(scenario())
    assert "ZeroDivisionError" in str(log)
