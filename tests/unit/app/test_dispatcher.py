"""The dispatcher sends what is due at once, what falls due at its time, and survives a database that is away."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from builders import given_details
from fakes import CountingIds, FixedClock, RecordingNotifier
from leads_adapters.memory.contacts import SimpleContacts
from leads_adapters.memory.database import MemoryDatabase
from leads_app.dispatcher import BATCH, Dispatcher
from leads_domain.errors import Unavailable
from leads_domain.follow_up import FollowUpState, RetryPolicy
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.rules import FollowUpRules
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, RecordOutcome
from leads_domain.use_cases.find_follow_ups import list_follow_ups_of_lead
from leads_domain.use_cases.register_lead import RegisterLead
from leads_domain.use_cases.trigger_follow_up import TriggerFollowUp

PATIENCE_SECONDS = 10


class FlakyDatabase(MemoryDatabase):
    """A database that is out of reach for as many calls as it is told."""

    failures = 0

    async def write(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise Unavailable("away")
        return await super().write(use_case, *args, **kwargs)


@dataclass
class Post:
    """A dispatcher with a lead to follow up, on a database in memory."""

    clock: FixedClock = field(default_factory=FixedClock)
    database: FlakyDatabase = field(default_factory=FlakyDatabase)
    notifier: RecordingNotifier = field(default_factory=RecordingNotifier)

    def __post_init__(self) -> None:
        ids = CountingIds()
        rules = FollowUpRules(ids, {"log": None}, "log")
        self.register = RegisterLead(self.clock, ids, SimpleContacts(), DEFAULT_PIPELINE, rules)
        self.trigger = TriggerFollowUp(self.clock, ids, {"log": None}, "log")
        self.dispatcher = Dispatcher(
            self.database,
            self.clock,
            ClaimDueFollowUps(self.clock, timedelta(minutes=1)),
            RecordOutcome(self.clock, ids, RetryPolicy()),
            {"log": self.notifier},
            owner="here",
        )

    async def take_in(self) -> None:
        self.lead = (await self.database.write(self.register, given_details(), actor="test")).lead

    async def follow_up(self, **wishes: Any) -> None:
        await self.database.write(self.trigger, self.lead.id, wishes, actor="test")

    async def states(self) -> list[FollowUpState]:
        page = await self.database.read(list_follow_ups_of_lead, self.lead.id, limit=200)
        return [follow_up.state for follow_up in page.items]

    async def until_sent(self) -> None:
        """Wait until everything was sent, but not for ever."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while set(await self.states()) != {FollowUpState.SENT}:
                await asyncio.sleep(0.001)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_everything_that_is_due_is_sent_in_one_go(runner: asyncio.Runner) -> None:
    async def scenario() -> Mapping[str, int]:
        post = Post()
        await post.take_in()
        for _ in range(2 * BATCH + 1):
            await post.follow_up()
        await post.follow_up(due_at=post.clock.now() + timedelta(hours=1))
        attempts = await post.dispatcher.run_once()
        return {
            "attempts": attempts,
            "accepted": len(post.notifier.accepted),
            "again": await post.dispatcher.run_once(),
        }

    assert runner.run(scenario()) == {"attempts": 2 * BATCH + 1, "accepted": 2 * BATCH + 1, "again": 0}


def test_a_running_dispatcher_sends_new_work_when_it_is_woken(runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        running = asyncio.create_task(post.dispatcher.run())
        for _ in range(3):
            await post.follow_up()
            post.dispatcher.wake()
            await post.until_sent()
        post.dispatcher.stop()
        await running

    runner.run(scenario())


def test_a_running_dispatcher_waits_for_what_falls_due(runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up(due_at=post.clock.now() + timedelta(hours=1))
        running = asyncio.create_task(post.dispatcher.run())
        post.dispatcher.wake()
        await asyncio.sleep(0)
        assert post.notifier.notices == []
        post.clock.advance(timedelta(hours=1))
        post.dispatcher.wake()
        await post.until_sent()
        post.dispatcher.stop()
        await running

    runner.run(scenario())


def test_a_database_that_is_away_delays_the_work_and_ends_nothing(runner: asyncio.Runner) -> None:
    async def scenario() -> None:
        post = Post()
        await post.take_in()
        await post.follow_up()
        post.database.failures = 1
        running = asyncio.create_task(post.dispatcher.run())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while post.database.failures:
                await asyncio.sleep(0)
        post.dispatcher.wake()
        await post.until_sent()
        post.dispatcher.stop()
        await running

    runner.run(scenario())


def test_a_stopped_dispatcher_finishes_what_it_has_begun(runner: asyncio.Runner) -> None:
    async def scenario() -> list[FollowUpState]:
        post = Post()
        await post.take_in()
        await post.follow_up()
        running = asyncio.create_task(post.dispatcher.run())
        await asyncio.sleep(0)  # it begins
        post.dispatcher.stop()
        await running
        return await post.states()

    assert runner.run(scenario()) == [FollowUpState.SENT]
