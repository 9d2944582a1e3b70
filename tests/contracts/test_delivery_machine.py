"""Whatever happens to follow-ups and to those who send them, none is lost, and none is sent again without a reason.

The service's own dispatchers halt at the worst moments. Some go on later, when they were long thought dead; to all
others, one that does not has crashed.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from application import LEASE, RETRY, Application
from databases import OnMemory, OnPostgres, OnSqlite, RunningDatabase
from leads_app.dispatcher import ATTEMPT, Dispatcher
from leads_domain.errors import AttemptInProgress, IllegalFollowUpState, Unavailable
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState
from leads_domain.notifier import Address, FollowUpNotice, Receipt, Refused, TryAgain
from leads_domain.use_cases.dispatch_follow_ups import DELAY_MAX, ClaimDueFollowUps, Claimed, RecordOutcome

SCHEDULED, SENT, FAILED = FollowUpState.SCHEDULED, FollowUpState.SENT, FollowUpState.FAILED
OUTCOMES = (EventType.FOLLOW_UP_SENT, EventType.FOLLOW_UP_ATTEMPT_FAILED)
CHANNELS = ("log", "log", "smtp")
TROUBLES = (None, TryAgain("busy"), TryAgain("busy", timedelta(hours=2)), Refused("no"), OSError("broken"))
MINUTES = st.sampled_from([0, 0, 1, 1, 180])
CLAIMS_MAX = 100
"""How often a dispatcher may claim before it seems to have no end."""
PICKS = st.integers(min_value=0, max_value=20)


class AtOnce:
    """Replaces `threading.Thread`: runs its target when it is started."""

    def __init__(self, target: Callable[[], None], *, daemon: bool) -> None:
        self.start = target


class Moment(Enum):
    """When something happens to a dispatcher."""

    CLAIMED = "it halts when it has claimed follow-ups and given none to the notifier"
    GIVEN = "it halts when it has given notices to the notifier and is about to record an outcome"
    RECORDED = "it halts when an outcome is durable, and it does not know yet"
    UNTOLD = "an outcome is durable, but it is told that the database is away"


@dataclass(eq=False)
class Given:
    """A notice that the notifier was given; whether it has accepted it, and whether that was recorded."""

    notice: FollowUpNotice
    claimed: FollowUp
    at: datetime
    trouble: Exception | None
    by: "Process"
    recorded: bool = False

    @property
    def lease_ends(self) -> datetime:
        """Until when nobody else may have it, unless its outcome is recorded."""
        assert self.claimed.lease is not None
        return self.claimed.lease.until


@dataclass(eq=False)
class Notifier:
    """A channel that takes notices with these troubles, and then without any; and what its dispatchers do."""

    app: Application
    troubles: deque[Exception | None] = field(default_factory=deque)
    given: list[Given] = field(default_factory=list)
    claims: dict[str, int] = field(default_factory=dict)
    """The last fencing token of each follow-up, whoever has it."""
    overruled: list[FollowUp] = field(default_factory=list)
    """Claims whose outcome was recorded although there were later ones."""

    def of(self, id: str) -> list[Given]:
        """All that it was given of a follow-up."""
        return [each for each in self.given if each.notice.follow_up_id == id]


@dataclass(eq=False)
class Process:
    """A dispatcher in a process of its own, and the database and the notifier as it sees them."""

    app: Application
    notifier: Notifier
    moment: Moment | None = None
    outcomes_before: int = 0
    """How many outcomes are recorded before the moment."""
    halted: bool = False
    """Whether it has ever halted."""
    needs: Address | None = None

    def __post_init__(self) -> None:
        self._database = self.app.database.database
        self._going, self._settled = asyncio.Event(), asyncio.Event()
        self._calls = self._claims = 0
        self._claimed: dict[str, FollowUp] = {}

    def start(self, owner: str) -> None:
        """Have it send what is due, until nothing more is or it halts."""
        channels = dict.fromkeys(CHANNELS, self)
        app = self.app
        dispatcher = Dispatcher(self, app.clock, app.claim_due, app.record_outcome, channels, owner=owner)
        self._run = app.database.runner.get_loop().create_task(dispatcher.run_once())
        self._run.add_done_callback(lambda _: self._settled.set())
        self.go_on()

    def go_on(self) -> None:
        """Have it go on, until nothing more is due or it halts."""
        self._settled.clear()
        self._going.set()
        self.app.database.run(self._settled.wait())
        if self._run.done():
            self._run.result()

    def is_over(self) -> bool:
        """Whether it has ended of its own accord."""
        return self._run.done()

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """See `FollowUpNotifier.notify`."""
        trouble = self.notifier.troubles.popleft() if self.notifier.troubles else None
        claimed = self._claimed[notice.follow_up_id]
        self.notifier.given.append(Given(notice, claimed, self.app.clock.now(), trouble, self))
        if trouble:
            raise trouble
        return Receipt()

    async def read(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See `Database.read`."""
        return await self._call(lambda: self._database.read(use_case, *args, **kwargs))

    async def read_long(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See `Database.read_long`."""
        return await self._call(lambda: self._database.read_long(use_case, *args, **kwargs))

    async def write(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See `Database.write`."""
        if isinstance(use_case, ClaimDueFollowUps):
            return await self._call(lambda: self._claim(use_case, **kwargs))
        assert isinstance(use_case, RecordOutcome)
        await self._going.wait()
        if self._comes(Moment.GIVEN):
            self._halt()
        return await self._call(lambda: self._record(use_case, *args))

    async def wait_for_change(self, seconds: float) -> None:
        """See `Database.wait_for_change`."""
        await self._database.wait_for_change(seconds)

    async def check_ready(self) -> None:
        """See `Database.check_ready`."""

    async def close(self) -> None:
        """See `Database.close`."""

    async def _claim(self, claim: ClaimDueFollowUps, **members: Any) -> list[Claimed]:
        self._claims += 1
        assert self._claims < CLAIMS_MAX
        answer = list(await self._database.write(claim, **members))
        for each in answer:
            self._claimed[each.follow_up.id] = each.follow_up
            self.notifier.claims[each.follow_up.id] = each.follow_up.claims
        if answer and self._comes(Moment.CLAIMED):
            self._halt()
        return answer

    async def _record(self, record: RecordOutcome, claimed: FollowUp, error: Any) -> bool:
        answer = await self._database.write(record, claimed, error)
        if answer and claimed.claims != self.notifier.claims[claimed.id]:
            self.notifier.overruled.append(claimed)
        for each in self.notifier.of(claimed.id):
            each.recorded |= answer and each.claimed.claims == claimed.claims
        if self._comes(Moment.RECORDED):
            self._halt()
        if self._comes(Moment.UNTOLD):
            self.moment = None
            raise Unavailable("It is away.")
        self.outcomes_before -= 1
        return answer

    async def _call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """What the database answers; while the process is halted, no call begins, and no answer comes."""
        await self._going.wait()
        self._calls += 1
        try:
            return await call()
        finally:
            self._calls -= 1
            self._look_whether_settled()
            await self._going.wait()

    def _comes(self, moment: Moment) -> bool:
        return self.moment is moment and self.outcomes_before <= 0

    def _halt(self) -> None:
        self.moment, self.halted = None, True
        self._going.clear()
        self._look_whether_settled()

    def _look_whether_settled(self) -> None:
        if not self._going.is_set() and not self._calls:
            self._settled.set()


class Deliveries(RuleBasedStateMachine):
    """One lead, its follow-ups, and whoever sends them, on a database that subclasses choose."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """An empty database."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.halted: list[Process] = []
        self.kept: dict[FollowUpId, FollowUp] = {}
        """The follow-ups as they were after the last step."""
        self.retried: dict[str, int] = {}
        """How often each had been claimed when it was last accepted or retried."""
        self.owners = map(str, count())
        self.wordings = count()

    @initialize()
    def begin(self) -> None:
        patch = self.closing.enter_context(pytest.MonkeyPatch.context())
        # Nothing here takes long, so that threads would only bring about what cannot be repeated.
        patch.setattr("leads_app.dispatcher.Thread", AtOnce)
        patch.setattr("leads_app.dispatcher.RETRY_SECONDS", 0)
        self.closing.enter_context(capture_logs())
        folder = Path(self.closing.enter_context(TemporaryDirectory()))
        self.app = Application(self.closing.enter_context(self.open(folder)))
        self.notifier = Notifier(self.app)
        self.lead = self.app.register().lead
        self.accept("log", 0)

    def teardown(self) -> None:
        with self.closing:
            self.come_to_an_end()

    @rule(channel=st.sampled_from(CHANNELS), minutes=MINUTES)
    def accept(self, channel: str, minutes: int) -> None:
        due_at = self.app.clock.now() + timedelta(minutes=minutes)
        follow_up = self.app.trigger(self.lead, channel=channel, due_at=due_at)
        self.kept[follow_up.id] = follow_up
        self.retried[follow_up.id] = 0

    @rule(
        minutes=MINUTES,
        troubles=st.lists(st.sampled_from(TROUBLES), min_size=1, max_size=3),
        moment=st.sampled_from([None, *Moment]),
        outcomes_before=st.sampled_from([0, 0, 0, 1]),
    )
    def tick(self, minutes: int, troubles: list[Exception | None], moment: Moment | None, outcomes_before: int) -> None:
        """A new dispatcher sends what is due by now."""
        self.app.clock.advance(timedelta(minutes=minutes))
        self.notifier.troubles = deque(troubles)
        process = Process(self.app, self.notifier, moment, outcomes_before if moment is not Moment.CLAIMED else 0)
        process.start(next(self.owners))
        if not process.is_over():
            self.halted.append(process)

    @precondition(lambda self: self.halted)
    @rule(pick=PICKS, minutes=MINUTES)
    def go_on(self, pick: int, minutes: int) -> None:
        """One that has halted goes on, late."""
        self.app.clock.advance(timedelta(minutes=minutes))
        self.halted.pop(pick % len(self.halted)).go_on()

    @rule(pick=PICKS, step=st.sampled_from(["cancel", "snooze", "snooze", "reword", "retry", "retry"]), minutes=MINUTES)
    def intervene(self, pick: int, step: str, minutes: int) -> None:
        """Somebody does something about a follow-up."""
        follow_up = list(self.kept.values())[pick % len(self.kept)]
        match step:
            case "cancel":
                self.change(follow_up, lambda: self.app.cancel(follow_up), SCHEDULED)
            case "snooze":
                due_at = self.app.clock.now() + timedelta(minutes=minutes)
                self.change(follow_up, lambda: self.app.reschedule(follow_up, due_at=due_at), SCHEDULED)
            case "reword" if self.is_under_way(follow_up):
                with pytest.raises(AttemptInProgress):
                    self.reword(follow_up)
            case "reword":
                self.change(follow_up, lambda: self.reword(follow_up), SCHEDULED)
            case "retry" if self.change(follow_up, lambda: self.app.retry(follow_up), FAILED):
                self.retried[follow_up.id] = follow_up.claims

    def reword(self, follow_up: FollowUp) -> FollowUp:
        """Give it a message that it has not had."""
        return self.app.reschedule(follow_up, message=f"Wording {next(self.wordings)}")

    def is_under_way(self, follow_up: FollowUp) -> bool:
        """Return whether a dispatcher may be sending it now."""
        return follow_up.lease is not None and follow_up.lease.until > self.app.clock.now()

    def change(self, follow_up: FollowUp, step: Callable[[], FollowUp], state: FollowUpState) -> bool:
        """Take a step that a follow-up in `state` can take, and no other; whether it was taken."""
        if follow_up.state is not state:
            with pytest.raises(IllegalFollowUpState):
                step()
            return False
        self.kept[follow_up.id] = step()
        return True

    @invariant()
    def everything_holds(self) -> None:
        self.nothing_is_lost()
        self.every_state_has_its_reason()
        self.every_attempt_has_its_reason()
        self.every_outcome_is_told_once()

    def nothing_is_lost(self) -> None:
        kept = {each.id: each for each in self.app.follow_ups(self.lead)}
        assert kept.keys() == self.kept.keys()
        for id, before in self.kept.items():
            assert before.state is SCHEDULED or kept[id] == before  # what has ended stays as it is
        self.kept = {id: kept[id] for id in self.kept}
        due = [each.due_at for each in kept.values() if each.state is SCHEDULED]
        assert self.app.lead(self.lead).next_follow_up_at == min(due, default=None)

    def every_state_has_its_reason(self) -> None:
        for id, follow_up in self.kept.items():
            given = self.notifier.of(id)
            assert (follow_up.state is SENT) == any(each.recorded and not each.trouble for each in given)
            assert all(each.notice.message == follow_up.message for each in given if each.recorded and not each.trouble)
            if follow_up.state is FAILED:
                attempts = follow_up.claims - self.retried[id]
                assert attempts >= RETRY.attempts or isinstance(given[-1].trouble, Refused)

    def every_attempt_has_its_reason(self) -> None:
        for id in self.kept:
            given = self.notifier.of(id)
            assert {each.notice.idempotency_key for each in given} <= {id}
            for each in given:
                assert each.notice.attempt <= RETRY.attempts
                assert each.claimed.due_at <= each.lease_ends - LEASE <= each.at <= each.lease_ends - ATTEMPT
            for first, second in pairwise(given):
                if first.recorded:
                    assert first.trouble
                else:
                    assert first.by.halted
                    assert second.at >= first.lease_ends

    def every_outcome_is_told_once(self) -> None:
        assert self.notifier.overruled == []
        told = [entry.data["follow_up_id"] for entry in self.app.timeline(self.lead) if entry.type in OUTCOMES]
        for id, follow_up in self.kept.items():
            assert sum(each.recorded for each in self.notifier.of(id)) <= told.count(id) <= follow_up.claims

    def come_to_an_end(self) -> None:
        """Time goes by without trouble: everything ends, and whoever goes on after that changes nothing more."""
        self.tick(int((DELAY_MAX + LEASE) / timedelta(minutes=1)), [], None, 0)
        self.everything_holds()
        assert SCHEDULED not in {each.state for each in self.kept.values()}
        given = len(self.notifier.given)
        for process in self.halted:
            process.go_on()
        self.everything_holds()
        assert len(self.notifier.given) == given


class DeliveriesInMemory(OnMemory, Deliveries):
    """In memory."""


class DeliveriesOnSqlite(OnSqlite, Deliveries):
    """On SQLite."""


class DeliveriesOnPostgres(OnPostgres, Deliveries):
    """On PostgreSQL."""


def a_test(machine: type[Deliveries], times: float) -> Any:
    """So many times the usual number of examples."""
    test = machine.TestCase
    test.settings = settings(stateful_step_count=40, max_examples=int(settings().max_examples * times))
    return test


# The memory is ten times as fast as PostgreSQL: most of the search is there.
TestDeliveriesInMemory = a_test(DeliveriesInMemory, 4)
TestDeliveriesOnSqlite = a_test(DeliveriesOnSqlite, 1)
TestDeliveriesOnPostgres = a_test(DeliveriesOnPostgres, 0.5)
