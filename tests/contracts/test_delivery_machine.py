"""Test that no follow-up is lost, and none is sent again without a reason, in any sequence of failures.

The dispatchers of the service halt at critical moments. Some resume later, after their leases have expired. For the
others, a halted dispatcher looks like a crashed one.
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
from leads_app.dispatcher import ATTEMPT, Dispatcher, Queue
from leads_domain.delivery import DELAY_MAX, Claimed
from leads_domain.errors import AttemptInProgress, IllegalFollowUpState, Unavailable
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState
from leads_domain.notifier import Address, FollowUpNotice, Receipt, Refused, TryAgain
from leads_domain.use_cases.dispatch_follow_ups import ClaimDueFollowUps, RecordOutcome

SCHEDULED, SENT, FAILED = FollowUpState.SCHEDULED, FollowUpState.SENT, FollowUpState.FAILED
OUTCOMES = (EventType.FOLLOW_UP_SENT, EventType.FOLLOW_UP_ATTEMPT_FAILED)
CHANNELS = ("log", "log", "smtp")
ERRORS = (None, TryAgain("busy"), TryAgain("busy", timedelta(hours=2)), Refused("no"), OSError("broken"))
MINUTES = st.sampled_from([0, 0, 1, 1, 180])
CLAIMS_MAX = 100
"""The maximum number of claims of one dispatcher. More mean an endless loop."""
INDEXES = st.integers(min_value=0, max_value=20)


class SynchronousThread:
    """A replacement of `threading.Thread` that runs its target in `start`."""

    def __init__(self, target: Callable[[], None], *, daemon: bool) -> None:
        self.start = target


class Moment(Enum):
    """The moment at which something happens to a dispatcher."""

    CLAIMED = "it halts after it has claimed follow-ups, before it calls the notifier"
    NOTIFIED = "it halts after it has called the notifier, before it records an outcome"
    RECORDED = "it halts after an outcome is durable, before it gets the result"
    UNCONFIRMED = "an outcome is durable, but the database reports that it is unavailable"


@dataclass(eq=False)
class Attempt:
    """A call of the notifier, its error, and whether its outcome was recorded."""

    notice: FollowUpNotice
    claimed: FollowUp
    at: datetime
    error: Exception | None
    process: "Process"
    recorded: bool = False

    @property
    def lease_expires_at(self) -> datetime:
        """The time at which the lease of the claim expires."""
        assert self.claimed.lease is not None
        return self.claimed.lease.until


@dataclass(eq=False)
class Notifier:
    """A notifier that raises these errors in order and then accepts, and a record of the calls of its dispatchers."""

    app: Application
    errors: deque[Exception | None] = field(default_factory=deque)
    attempts: list[Attempt] = field(default_factory=list)
    claims: dict[str, int] = field(default_factory=dict)
    """The last fencing token of each follow-up."""
    superseded: list[FollowUp] = field(default_factory=list)
    """Claims whose outcome was recorded although a later claim existed."""

    def attempts_of(self, id: str) -> list[Attempt]:
        """Return all attempts of a follow-up."""
        return [each for each in self.attempts if each.notice.follow_up_id == id]


@dataclass(eq=False)
class Process:
    """A dispatcher in a separate process, with its view of the database and the notifier."""

    app: Application
    notifier: Notifier
    moment: Moment | None = None
    outcomes_before: int = 0
    """The number of outcomes that are recorded before the moment."""
    halted: bool = False
    """True if it has ever halted."""
    needs: Address | None = None

    def __post_init__(self) -> None:
        self._database = self.app.database.database
        self._running, self._settled = asyncio.Event(), asyncio.Event()
        self._calls = self._claims = 0
        self._claimed: dict[str, FollowUp] = {}

    def start(self, owner: str) -> None:
        """Send due follow-ups until none is left or the process halts."""
        channels = dict.fromkeys(CHANNELS, self)
        app = self.app
        dispatcher = Dispatcher(self, app.clock, [Queue(app.claim_due, app.record_outcome)], channels, owner=owner)
        self._run = app.database.runner.get_loop().create_task(dispatcher.run_once())
        self._run.add_done_callback(lambda _: self._settled.set())
        self.resume()

    def resume(self) -> None:
        """Continue until no follow-up is due or the process halts."""
        self._settled.clear()
        self._running.set()
        self.app.database.run(self._settled.wait())
        if self._run.done():
            self._run.result()

    def has_ended(self) -> bool:
        """Return True if the dispatcher has ended normally."""
        return self._run.done()

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """See `FollowUpNotifier.notify`."""
        error = self.notifier.errors.popleft() if self.notifier.errors else None
        claimed = self._claimed[notice.follow_up_id]
        self.notifier.attempts.append(Attempt(notice, claimed, self.app.clock.now(), error, self))
        if error:
            raise error
        return Receipt()

    async def read(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See `Database.read`."""
        return await self._call(lambda: self._database.read(use_case, *args, **kwargs))

    async def read_long(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See `Database.read_long`."""
        return await self._call(lambda: self._database.read_long(use_case, *args, **kwargs))

    async def read_background(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See `Database.read_background`."""
        return await self._call(lambda: self._database.read_background(use_case, *args, **kwargs))

    async def write(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """See `Database.write`."""
        if isinstance(use_case, ClaimDueFollowUps):
            return await self._call(lambda: self._claim(use_case, **kwargs))
        assert isinstance(use_case, RecordOutcome)
        await self._running.wait()
        if self._is_at(Moment.NOTIFIED):
            self._halt()
        return await self._call(lambda: self._record(use_case, *args))

    async def wait_for_change(self, seconds: float) -> None:
        """See `Database.wait_for_change`."""
        await self._database.wait_for_change(seconds)

    async def check_ready(self) -> None:
        """See `Database.check_ready`."""

    async def close(self) -> None:
        """See `Database.close`."""

    async def _claim(self, claim: ClaimDueFollowUps, **values: Any) -> list[Claimed[FollowUp]]:
        self._claims += 1
        assert self._claims < CLAIMS_MAX
        result = list(await self._database.write(claim, **values))
        for each in result:
            self._claimed[each.item.id] = each.item
            self.notifier.claims[each.item.id] = each.item.claims
        if result and self._is_at(Moment.CLAIMED):
            self._halt()
        return result

    async def _record(self, record: RecordOutcome, claimed: FollowUp, error: Any) -> bool:
        result = await self._database.write(record, claimed, error)
        if result and claimed.claims != self.notifier.claims[claimed.id]:
            self.notifier.superseded.append(claimed)
        for each in self.notifier.attempts_of(claimed.id):
            each.recorded |= result and each.claimed.claims == claimed.claims
        if self._is_at(Moment.RECORDED):
            self._halt()
        if self._is_at(Moment.UNCONFIRMED):
            self.moment = None
            raise Unavailable("The database is unavailable.")
        self.outcomes_before -= 1
        return result

    async def _call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Call the database. While the process is halted, no call starts and none returns."""
        await self._running.wait()
        self._calls += 1
        try:
            return await call()
        finally:
            self._calls -= 1
            self._check_settled()
            await self._running.wait()

    def _is_at(self, moment: Moment) -> bool:
        return self.moment is moment and self.outcomes_before <= 0

    def _halt(self) -> None:
        self.moment, self.halted = None, True
        self._running.clear()
        self._check_settled()

    def _check_settled(self) -> None:
        if not self._running.is_set() and not self._calls:
            self._settled.set()


class Deliveries(RuleBasedStateMachine):
    """One lead, its follow-ups and its dispatchers, on the database of the subclass."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """Open an empty database."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.halted: list[Process] = []
        self.stored: dict[FollowUpId, FollowUp] = {}
        """The follow-ups after the last step."""
        self.claims_before: dict[str, int] = {}
        """The number of claims of each follow-up when it was scheduled or last retried."""
        self.owners = map(str, count())
        self.message_numbers = count()

    @initialize()
    def begin(self) -> None:
        patch = self.closing.enter_context(pytest.MonkeyPatch.context())
        # Run attempts without threads: the test must be deterministic.
        patch.setattr("leads_app.threads.Thread", SynchronousThread)
        patch.setattr("leads_app.dispatcher.RETRY_SECONDS", 0)
        self.closing.enter_context(capture_logs())
        folder = Path(self.closing.enter_context(TemporaryDirectory()))
        self.app = Application(self.closing.enter_context(self.open(folder)))
        self.notifier = Notifier(self.app)
        self.lead = self.app.register().lead
        self.schedule("log", 0)

    def teardown(self) -> None:
        with self.closing:
            self.finish()

    @rule(channel=st.sampled_from(CHANNELS), minutes=MINUTES)
    def schedule(self, channel: str, minutes: int) -> None:
        due_at = self.app.clock.now() + timedelta(minutes=minutes)
        follow_up = self.app.trigger(self.lead, channel=channel, due_at=due_at)
        self.stored[follow_up.id] = follow_up
        self.claims_before[follow_up.id] = 0

    @rule(
        minutes=MINUTES,
        errors=st.lists(st.sampled_from(ERRORS), min_size=1, max_size=3),
        moment=st.sampled_from([None, *Moment]),
        outcomes_before=st.sampled_from([0, 0, 0, 1]),
    )
    def tick(self, minutes: int, errors: list[Exception | None], moment: Moment | None, outcomes_before: int) -> None:
        """Advance the clock, and run a new dispatcher."""
        self.app.clock.advance(timedelta(minutes=minutes))
        self.notifier.errors = deque(errors)
        process = Process(self.app, self.notifier, moment, outcomes_before if moment is not Moment.CLAIMED else 0)
        process.start(next(self.owners))
        if not process.has_ended():
            self.halted.append(process)

    @precondition(lambda self: self.halted)
    @rule(index=INDEXES, minutes=MINUTES)
    def resume(self, index: int, minutes: int) -> None:
        """Resume a halted dispatcher."""
        self.app.clock.advance(timedelta(minutes=minutes))
        self.halted.pop(index % len(self.halted)).resume()

    @rule(
        index=INDEXES,
        step=st.sampled_from(["cancel", "postpone", "postpone", "edit", "retry", "retry"]),
        minutes=MINUTES,
    )
    def intervene(self, index: int, step: str, minutes: int) -> None:
        """Change a follow-up as a client does."""
        follow_up = list(self.stored.values())[index % len(self.stored)]
        match step:
            case "cancel":
                self.change(follow_up, lambda: self.app.cancel(follow_up), SCHEDULED)
            case "postpone":
                due_at = self.app.clock.now() + timedelta(minutes=minutes)
                self.change(follow_up, lambda: self.app.reschedule(follow_up, due_at=due_at), SCHEDULED)
            case "edit" if self.is_in_progress(follow_up):
                with pytest.raises(AttemptInProgress):
                    self.change_message(follow_up)
            case "edit":
                self.change(follow_up, lambda: self.change_message(follow_up), SCHEDULED)
            case "retry" if self.change(follow_up, lambda: self.app.retry(follow_up), FAILED):
                self.claims_before[follow_up.id] = follow_up.claims

    def change_message(self, follow_up: FollowUp) -> FollowUp:
        """Change the message of the follow-up to a new text."""
        return self.app.reschedule(follow_up, message=f"Message {next(self.message_numbers)}")

    def is_in_progress(self, follow_up: FollowUp) -> bool:
        """Return True if a dispatcher has an active lease."""
        return follow_up.lease is not None and follow_up.lease.until > self.app.clock.now()

    def change(self, follow_up: FollowUp, step: Callable[[], FollowUp], state: FollowUpState) -> bool:
        """Take a step that is allowed only in `state`. Return True if it was allowed."""
        if follow_up.state is not state:
            with pytest.raises(IllegalFollowUpState):
                step()
            return False
        self.stored[follow_up.id] = step()
        return True

    @invariant()
    def all_invariants_hold(self) -> None:
        self.no_follow_up_is_lost()
        self.every_state_has_its_reason()
        self.every_attempt_has_its_reason()
        self.every_outcome_is_recorded_once()

    def no_follow_up_is_lost(self) -> None:
        stored = {each.id: each for each in self.app.follow_ups(self.lead)}
        assert stored.keys() == self.stored.keys()
        for id, before in self.stored.items():
            assert before.state is SCHEDULED or stored[id] == before  # an ended follow-up does not change
        self.stored = {id: stored[id] for id in self.stored}
        due = [each.due_at for each in stored.values() if each.state is SCHEDULED]
        assert self.app.lead(self.lead).next_follow_up_at == min(due, default=None)

    def every_state_has_its_reason(self) -> None:
        for id, follow_up in self.stored.items():
            attempts = self.notifier.attempts_of(id)
            assert (follow_up.state is SENT) == any(each.recorded and not each.error for each in attempts)
            assert all(
                each.notice.message == follow_up.message for each in attempts if each.recorded and not each.error
            )
            if follow_up.state is FAILED:
                claims = follow_up.claims - self.claims_before[id]
                assert claims >= RETRY.attempts or isinstance(attempts[-1].error, Refused)

    def every_attempt_has_its_reason(self) -> None:
        for id in self.stored:
            attempts = self.notifier.attempts_of(id)
            assert {each.notice.idempotency_key for each in attempts} <= {id}
            for each in attempts:
                assert each.notice.attempt <= RETRY.attempts
                assert (
                    each.claimed.due_at <= each.lease_expires_at - LEASE <= each.at <= each.lease_expires_at - ATTEMPT
                )
            for first, second in pairwise(attempts):
                if first.recorded:
                    assert first.error
                else:
                    assert first.process.halted
                    assert second.at >= first.lease_expires_at

    def every_outcome_is_recorded_once(self) -> None:
        assert self.notifier.superseded == []
        recorded = [entry.data["follow_up_id"] for entry in self.app.timeline(self.lead) if entry.type in OUTCOMES]
        for id, follow_up in self.stored.items():
            assert (
                sum(each.recorded for each in self.notifier.attempts_of(id)) <= recorded.count(id) <= follow_up.claims
            )

    def finish(self) -> None:
        """Check that every follow-up ends without further errors, and that resumed dispatchers change nothing more."""
        self.tick(int((DELAY_MAX + LEASE) / timedelta(minutes=1)), [], None, 0)
        self.all_invariants_hold()
        assert SCHEDULED not in {each.state for each in self.stored.values()}
        count = len(self.notifier.attempts)
        for process in self.halted:
            process.resume()
        self.all_invariants_hold()
        assert len(self.notifier.attempts) == count


class DeliveriesInMemory(OnMemory, Deliveries):
    """In memory."""


class DeliveriesOnSqlite(OnSqlite, Deliveries):
    """On SQLite."""


class DeliveriesOnPostgres(OnPostgres, Deliveries):
    """On PostgreSQL."""


def scaled_test(machine: type[Deliveries], times: float) -> Any:
    """Return a test with a multiple of the usual number of examples."""
    test = machine.TestCase
    test.settings = settings(stateful_step_count=40, max_examples=int(settings().max_examples * times))
    return test


# Most examples run in memory, the fastest database.
TestDeliveriesInMemory = scaled_test(DeliveriesInMemory, 4)
TestDeliveriesOnSqlite = scaled_test(DeliveriesOnSqlite, 1)
TestDeliveriesOnPostgres = scaled_test(DeliveriesOnPostgres, 0.5)
