"""The dispatcher sends what is due at once, what falls due at its time, and survives whatever goes wrong around it."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from builders import details_input
from databases import TIMEOUT_SECONDS, database_url
from fakes import CountingIds, FixedClock, FixedRandomSource, RecordingNotifier
from leads_adapters.database import Database
from leads_adapters.memory.database import MemoryDatabase
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_app.dispatcher import ATTEMPT, LEASE, SLOTS, Dispatcher
from leads_app.factories import make_database, make_engine
from leads_domain.errors import Unavailable
from leads_domain.follow_up import FollowUp, FollowUpState, RetryPolicy
from leads_domain.notifier import Address, FollowUpNotice, FollowUpNotifier, Receipt, Refused, TryAgain
from leads_domain.paging import LIMIT_MAX, FollowUpQuery
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.rules import FollowUpRules
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, RecordOutcome
from leads_domain.use_cases.register_lead import RegisterLead
from leads_domain.use_cases.trigger_follow_up import FollowUpInput, TriggerFollowUp

HOUR = timedelta(hours=1)
SENT, SCHEDULED, FAILED = FollowUpState.SENT, FollowUpState.SCHEDULED, FollowUpState.FAILED
CHANNELS = ("log", "mail")


class FlakyDatabase(MemoryDatabase):
    """A database that can be out of reach, or broken, for as many calls as it is told."""

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
    """A channel that ends no attempt before it is told to."""

    needs: Address | None = None

    def __init__(self) -> None:
        self.notices: list[FollowUpNotice] = []
        self.go_on = threading.Event()

    def notify(self, notice: FollowUpNotice) -> Receipt:
        self.notices.append(notice)
        self.go_on.wait(TIMEOUT_SECONDS)
        return Receipt()


@dataclass
class Post:
    """A dispatcher with a lead to follow up."""

    database: Database = field(default_factory=FlakyDatabase)
    clock: FixedClock = field(default_factory=FixedClock)
    log: RecordingNotifier = field(default_factory=RecordingNotifier)
    mail: FollowUpNotifier = field(default_factory=RecordingNotifier)
    owner: str = "here"
    outcomes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = CountingIds()
        retry, rules = RetryPolicy(), FollowUpRules(ids, "log")
        self.register = RegisterLead(self.clock, ids, SimpleNormalizer(), DEFAULT_PIPELINE, rules)
        self.trigger = TriggerFollowUp(self.clock, ids, dict.fromkeys(CHANNELS), "log")
        self.claim = ClaimDueFollowUps(self.clock, LEASE, retry)
        self.dispatcher = Dispatcher(
            self.database,
            self.clock,
            self.claim,
            RecordOutcome(self.clock, ids, FixedRandomSource(), retry),
            {"log": self.log, "mail": self.mail},
            owner=self.owner,
            on_outcome=lambda channel, outcome: self.outcomes.append(f"{channel} {outcome}"),
        )

    async def take_in(self) -> None:
        self.lead = (await self.database.write(self.register, details_input(), actor="test")).lead

    async def follow_up(self, channel: str = "log", times: int = 1, **wishes: Any) -> None:
        for _ in range(times):
            await self.database.write(
                self.trigger, self.lead.id, cast(FollowUpInput, {"channel": channel, **wishes}), actor="test"
            )

    async def kept(self, channel: str | None = None) -> list[FollowUp]:
        query = FollowUpQuery(channel=channel, limit=LIMIT_MAX)
        page = await self.database.read(lambda work: work.follow_ups.page(query))
        return list(page.items)

    async def states(self, channel: str | None = None) -> Mapping[FollowUpState, int]:
        return Counter(each.state for each in await self.kept(channel))

    async def until(self, reached: Callable[[list[FollowUp]], bool]) -> None:
        """Wait until the follow-ups are as they should be, but not for ever."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not reached(await self.kept()):
                await asyncio.sleep(0.001)

    @asynccontextmanager
    async def running(self) -> Any:
        """The dispatcher at work, and stopped at the end."""
        running = asyncio.create_task(self.dispatcher.run())
        try:
            yield
        finally:
            self.dispatcher.stop()
            await running


def flaky(post: Post) -> FlakyDatabase:
    """The post's database."""
    assert isinstance(post.database, FlakyDatabase)
    return post.database


def all_sent(kept: list[FollowUp]) -> bool:
    """Whether nothing else is left."""
    return {each.state for each in kept} == {SENT}


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a test's scenario, but not for ever."""
    with asyncio.Runner() as runner:
        yield lambda scenario: runner.run(asyncio.wait_for(scenario, TIMEOUT_SECONDS))


@pytest.fixture
def hanging() -> Iterator[HangingNotifier]:
    notifier = HangingNotifier()
    yield notifier
    notifier.go_on.set()


@pytest.fixture
def log() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long, but for the end of an attempt."""
    monkeypatch.setattr("leads_app.dispatcher.DELIVERY_SECONDS", 0.05)
    monkeypatch.setattr("leads_app.dispatcher.RETRY_SECONDS", 0.001)


@pytest.fixture
def short_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts may take half a second: long for those that work, however busy the machine is."""
    monkeypatch.setattr("leads_app.dispatcher.ATTEMPT", timedelta(seconds=0.5))


def test_everything_that_is_due_is_sent_in_one_go(run: Run) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up(times=2 * SLOTS + 1)
        await post.follow_up("mail")
        await post.follow_up(due_at=post.clock.now() + HOUR)

        assert await post.dispatcher.run_once() == 2 * SLOTS + 2
        assert len(post.log.accepted) == 2 * SLOTS + 1
        assert await post.states() == {SENT: 2 * SLOTS + 2, SCHEDULED: 1}
        assert await post.dispatcher.run_once() == 0
        assert Counter(post.outcomes) == {"log sent": 2 * SLOTS + 1, "mail sent": 1}

    run(scenario())


def test_it_is_told_what_became_of_every_attempt(run: Run) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        for error in (TimeoutError(), TryAgain("later"), Refused("never")):
            post.log.fail_with(error)
            await post.follow_up()
            await post.dispatcher.run_once()
        assert post.outcomes == ["log try_again", "log try_again", "log refused"]

    run(scenario())


def test_a_running_dispatcher_sends_new_work_when_it_is_woken(run: Run) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        async with post.running():
            for _ in range(3):
                await post.follow_up()
                post.dispatcher.wake()
                await post.until(all_sent)

    run(scenario())


def test_a_running_dispatcher_waits_for_what_falls_due(run: Run) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        soon = timedelta(milliseconds=50)
        await post.follow_up(due_at=post.clock.now() + soon)
        async with post.running():
            await asyncio.sleep(0)
            assert post.log.notices == []
            post.clock.advance(soon)
            await post.until(all_sent)  # nobody wakes it

    run(scenario())


def test_what_is_to_be_tried_again_is_waited_for(run: Run) -> None:
    async def scenario() -> None:
        post = Post()
        post.log.fail_with(TimeoutError())
        await post.take_in()
        await post.follow_up()
        async with post.running():
            await post.until(lambda kept: kept[0].attempts == 1 and kept[0].lease is None)
            (waiting,) = await post.kept()
            assert waiting.next_attempt_at is not None
            post.clock.time = waiting.next_attempt_at
            post.dispatcher.wake()
            await post.until(all_sent)

    run(scenario())


@pytest.mark.parametrize("error", [Unavailable("away"), ZeroDivisionError("broken")])
def test_a_database_that_fails_delays_the_work_and_ends_nothing(
    run: Run, impatient: None, log: list[MutableMapping[str, Any]], error: Exception
) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up()
        flaky(post).errors = [error] * 3
        async with post.running():
            while flaky(post).errors:
                await asyncio.sleep(0)
            await post.until(all_sent)

    run(scenario())
    assert {line["event"] for line in log} == {"dispatch_delayed" if isinstance(error, Unavailable) else "fault"}


def test_a_slow_channel_does_not_hold_up_the_others(run: Run, hanging: HangingNotifier) -> None:
    async def scenario() -> None:
        post = Post(mail=hanging)
        await post.take_in()
        await post.follow_up("mail", times=2 * SLOTS)
        await post.follow_up("log", times=3 * SLOTS)
        async with post.running():
            while (await post.states("log"))[SENT] < 3 * SLOTS:
                await asyncio.sleep(0.001)
            assert len(hanging.notices) == SLOTS
            # What it has no slot for is left to others.
            assert sum(each.lease is None for each in await post.kept("mail")) == SLOTS
            hanging.go_on.set()
            await post.until(all_sent)
        assert len(hanging.notices) == 2 * SLOTS

    run(scenario())


def test_sending_in_one_go_a_slow_channel_does_not_hold_up_the_others(
    run: Run, impatient: None, short_attempts: None, hanging: HangingNotifier
) -> None:
    async def scenario() -> None:
        post = Post(mail=hanging)
        await post.take_in()
        await post.follow_up("mail", times=SLOTS + 1)
        await post.follow_up("log", times=3 * SLOTS)
        assert await post.dispatcher.run_once() == 4 * SLOTS + 1
        assert await post.states("log") == {SENT: 3 * SLOTS}

    run(scenario())


def test_an_attempt_that_takes_too_long_is_a_failed_one(
    run: Run, impatient: None, short_attempts: None, hanging: HangingNotifier, log: list[MutableMapping[str, Any]]
) -> None:
    async def scenario() -> None:
        post = Post(mail=hanging)
        await post.take_in()
        await post.follow_up("mail")
        async with post.running():
            await post.until(lambda kept: kept[0].last_error is not None)
        (failed,) = await post.kept()
        assert (failed.state, failed.attempts, failed.lease) == (SCHEDULED, 1, None)
        assert "did not respond within" in (failed.last_error or "")
        hanging.go_on.set()

    run(scenario())
    assert [(line["event"], line["error"]) for line in log] == [("follow_up_not_sent", "TryAgain")]


def test_attempts_that_never_end_take_their_slots_and_the_others_go_on(
    run: Run, impatient: None, short_attempts: None, hanging: HangingNotifier
) -> None:
    async def scenario() -> None:
        post = Post(mail=hanging)
        await post.take_in()
        await post.follow_up("mail", times=SLOTS - 1)
        async with post.running():
            await post.until(lambda kept: all(each.last_error for each in kept))
            await post.follow_up("mail")  # for the one slot that is left
            post.dispatcher.wake()
            await post.until(lambda kept: all(each.last_error for each in kept))
            await post.until(lambda _: len(hanging.notices) == SLOTS)

            # All slots are taken for ever: it is told at once, and the channel is not asked.
            await post.follow_up("mail", times=3)
            post.dispatcher.wake()
            await post.until(lambda kept: sum("hangs" in (each.last_error or "") for each in kept) == 3)
            assert len(hanging.notices) == SLOTS

            # Once they end, the slots are free again, and what has failed has its next attempts.
            hanging.go_on.set()
            while not all_sent(await post.kept()):
                post.clock.advance(HOUR)
                post.dispatcher.wake()
                await asyncio.sleep(0.05)

    run(scenario())


def test_a_stopped_dispatcher_finishes_what_it_has_begun(run: Run) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up()
        running = asyncio.create_task(post.dispatcher.run())
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (await post.kept())[0].lease:
                await asyncio.sleep(0)
        post.dispatcher.stop()
        await running
        assert await post.states() == {SENT: 1}

    run(scenario())


def test_a_stopped_dispatcher_does_not_wait_for_what_never_ends(
    run: Run, hanging: HangingNotifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leads_app.dispatcher.DELIVERY_SECONDS", 0.05)

    async def scenario() -> None:
        post = Post(mail=hanging)
        await post.take_in()
        await post.follow_up("mail")
        async with post.running():
            await post.until(lambda _: bool(hanging.notices))
        assert await post.states() == {SCHEDULED: 1}

    run(scenario())


def test_an_outcome_is_recorded_when_the_database_is_back(run: Run, impatient: None, hanging: HangingNotifier) -> None:
    async def scenario() -> None:
        post = Post(mail=hanging)
        await post.take_in()
        await post.follow_up("mail")
        async with post.running():
            await post.until(lambda _: bool(hanging.notices))
            flaky(post).errors = [Unavailable("away")] * 10
            hanging.go_on.set()
            while flaky(post).errors:
                await asyncio.sleep(0.001)
            await post.until(all_sent)
        assert len(hanging.notices) == 1

    run(scenario())


def test_no_more_is_under_way_than_there_are_slots_while_outcomes_wait_to_be_recorded(run: Run) -> None:
    class SlowToRecord(MemoryDatabase):
        go_on = asyncio.Event()

        async def write(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            if isinstance(use_case, RecordOutcome):
                await self.go_on.wait()
            return await super().write(use_case, *args, **kwargs)

    async def scenario() -> None:
        post = Post(database=SlowToRecord())
        await post.take_in()
        await post.follow_up(times=2 * SLOTS)
        async with post.running():
            await post.until(lambda _: len(post.log.accepted) >= SLOTS)
            for _ in range(20):
                post.dispatcher.wake()
                await asyncio.sleep(0.005)
            assert sum(each.lease is not None for each in await post.kept()) == SLOTS
            SlowToRecord.go_on.set()
            await post.until(all_sent)

    run(scenario())


def test_an_outcome_that_cannot_be_recorded_while_the_lease_lasts_is_given_up(
    run: Run, impatient: None, log: list[MutableMapping[str, Any]]
) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up()

        def fail_at_the_outcome() -> None:
            if post.log.accepted:
                post.clock.advance(LEASE)
                flaky(post).errors = [Unavailable("away")]
                flaky(post).before_write = lambda: None

        flaky(post).before_write = fail_at_the_outcome
        assert await post.dispatcher.run_once() == 2  # the lease is over: the same notice goes out again
        assert await post.states() == {SENT: 1}
        first, second = post.log.accepted
        assert first.idempotency_key == second.idempotency_key
        assert post.outcomes == ["log lost", "log sent"]

    run(scenario())
    assert [line["event"] for line in log] == ["follow_up_lease_lost"]


def test_a_claim_that_took_too_long_is_not_used(run: Run, log: list[MutableMapping[str, Any]]) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up()
        database, write = flaky(post), MemoryDatabase.write

        async def slowly(use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            answer = await write(database, use_case, *args, **kwargs)
            if use_case is post.claim:
                post.clock.advance(LEASE - ATTEMPT + timedelta(microseconds=1))
            return answer

        database.write = slowly  # type: ignore[method-assign]
        assert await post.dispatcher.run_once() == 1
        assert post.log.notices == []
        assert await post.states() == {SCHEDULED: 1}

    run(scenario())
    assert [line["event"] for line in log] == ["follow_up_lease_lost"]


def test_a_follow_up_that_ends_its_dispatcher_each_time_ends_visibly_failed(run: Run) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up()
        for _ in range(RetryPolicy().attempts):
            assert len(await post.database.write(post.claim, owner="the dead", limits={"log": 1})) == 1
            post.clock.advance(LEASE)
        await post.dispatcher.run_once()
        assert await post.states() == {FAILED: 1}
        assert post.log.notices == []

    run(scenario())


def test_what_a_refused_notice_leaves_in_the_log_names_nobody(run: Run, log: list[MutableMapping[str, Any]]) -> None:
    async def scenario() -> None:
        post = Post()
        post.log.fail_with(Refused("john@example.com is unknown"))
        await post.take_in()
        await post.follow_up()
        await post.dispatcher.run_once()

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
    """On one database, each with connections of its own."""

    @pytest.fixture
    def posts(self, store: str, tmp_path: Path, run: Run) -> Iterator[list[Post]]:
        notifier, clock = RecordingNotifier(), FixedClock()
        with ExitStack() as closing:
            url = closing.enter_context(database_url(store, tmp_path))
            assert url is not None
            yield [
                Post(make_database(make_engine(url)), clock, notifier, notifier, owner=str(number))
                for number in range(3)
            ]

    def test_never_send_the_same_notice(self, posts: list[Post], run: Run) -> None:
        async def scenario() -> None:
            first = posts[0]
            await first.take_in()
            running = [asyncio.create_task(post.dispatcher.run()) for post in posts]
            await first.follow_up("log", times=60)
            await first.follow_up("mail", times=60)
            await first.until(all_sent)
            for post, each in zip(posts, running, strict=True):
                post.dispatcher.stop()
                await each
            for post in posts:
                await post.database.close()

        run(scenario())
        sent = Counter(notice.follow_up_id for notice in posts[0].log.notices)
        assert len(sent) == 120
        assert set(sent.values()) == {1}

    def test_pick_up_what_one_that_was_killed_had_claimed(self, posts: list[Post], run: Run) -> None:
        async def scenario() -> None:
            first, *others = posts
            await first.take_in()
            await first.follow_up(times=5)
            assert len(await first.database.write(first.claim, owner="the dead", limits={"log": 3})) == 3
            assert [await post.dispatcher.run_once() for post in posts] == [2, 0, 0]
            first.clock.advance(LEASE)
            assert [await post.dispatcher.run_once() for post in others] == [3, 0]
            assert all_sent(await first.kept())
            assert sorted(each.attempts for each in await first.kept()) == [1, 1, 2, 2, 2]
            for post in posts:
                await post.database.close()

        run(scenario())
