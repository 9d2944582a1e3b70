"""Test the loop that processes submissions and deletes expired ones."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from application import make_process_submission
from fakes import CountingIds, FixedClock
from leads_adapters.database import Database
from leads_adapters.memory.database import MemoryDatabase
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_app import submission_processor
from leads_app.submission_processor import BATCH, EXPIRY_INTERVAL, SubmissionProcessor
from leads_domain.errors import Unavailable
from leads_domain.intake import Intake
from leads_domain.paging import SubmissionQuery
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.ports import UnitOfWork
from leads_domain.rules import FollowUpRules
from leads_domain.submission import Processed, Submission, SubmissionId
from leads_domain.use_cases.process_submission import FAILED, ProcessSubmission, set_failed_aside
from leads_domain.use_cases.receive_submission import ReceiveSubmission
from leads_domain.use_cases.register_lead import RegisterLead

KEEP = timedelta(days=90)


class FlakyProcess:
    """Processes submissions, and raises the errors in `errors` by the content of the submission."""

    def __init__(self, process: ProcessSubmission) -> None:
        self.process = process
        self.errors: dict[str, Exception] = {}

    def __call__(self, work: UnitOfWork, id: SubmissionId) -> Processed:
        if error := self.errors.get(work.submissions.get(id).content.get("email", "")):
            raise error
        return self.process(work, id)


@dataclass
class Setup:
    """A processor with its database and clock."""

    clock: FixedClock = field(default_factory=FixedClock)
    database: Database = field(default_factory=MemoryDatabase)

    def __post_init__(self) -> None:
        ids, normalizer = CountingIds(), SimpleNormalizer()
        register = RegisterLead(self.clock, ids, normalizer, DEFAULT_PIPELINE, FollowUpRules(ids, "log", ()))
        self.process = FlakyProcess(make_process_submission(register, Intake(normalizer, {})))
        self.processor = SubmissionProcessor(self.database, self.clock, self.process, KEEP)
        self._receive = ReceiveSubmission(self.clock, ids)

    async def receive(self, email: str) -> Submission:
        """Receive a submission."""
        return await self.database.write(self._receive, origin="form:contact", content={"email": email})

    async def states(self) -> Mapping[str, str]:
        """Return the states of all submissions by e-mail address, newest first."""
        query = SubmissionQuery(limit=10 * BATCH)
        page = await self.database.read(lambda work: work.submissions.page(query))
        return {each.content["email"]: each.state.value for each in page.items}


def run(test: Callable[[Setup], Coroutine[Any, Any, None]]) -> None:
    """Run a test on its own event loop."""
    asyncio.run(test(Setup()))


def test_a_submission_is_processed_soon_after_a_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission_processor, "PAUSE_SECONDS", 0)

    async def test(setup: Setup) -> None:
        running = asyncio.create_task(setup.processor.run())
        for name in ("ann", "bob"):
            await setup.receive(f"{name}@example.com")
            setup.processor.wake()
            await until_accepted(setup)
        setup.processor.stop()
        await asyncio.wait_for(running, 5)

    run(test)


def test_what_was_received_before_the_service_stops_is_processed() -> None:
    async def test(setup: Setup) -> None:
        running = asyncio.create_task(setup.processor.run())
        await asyncio.sleep(0)
        await setup.receive("ann@example.com")
        setup.processor.wake()
        setup.processor.stop()
        await asyncio.wait_for(running, 5)
        assert await setup.states() == {"ann@example.com": "accepted"}

    run(test)


def test_a_service_that_stops_processes_no_more_than_a_batch() -> None:
    async def test(setup: Setup) -> None:
        for number in range(3 * BATCH):
            await setup.receive(f"{number}@example.com")
        setup.processor.stop()
        await asyncio.wait_for(setup.processor.run(), 5)
        assert [*(await setup.states()).values()].count("accepted") == BATCH

    run(test)


def test_all_received_submissions_are_processed_in_one_run() -> None:
    async def test(setup: Setup) -> None:
        for number in range(BATCH + 1):
            await setup.receive(f"{number}@example.com")
        await setup.processor.run_once()
        assert set((await setup.states()).values()) == {"accepted"}

    run(test)


def test_a_submission_that_cannot_be_processed_waits_for_a_person_and_delays_no_other() -> None:
    async def test(setup: Setup) -> None:
        broken = await setup.receive("broken@example.com")
        await setup.receive("ann@example.com")
        setup.process.errors["broken@example.com"] = ZeroDivisionError("secret")
        with capture_logs() as log:
            await setup.processor.run_once()
        assert [(line["event"], line["error"]) for line in log] == [("fault", "ZeroDivisionError")]
        assert "secret" not in str(log)
        assert await setup.states() == {"ann@example.com": "accepted", "broken@example.com": "needs_review"}
        stored = await setup.database.read(lambda work: work.submissions.get(broken.id))
        assert stored.reason == FAILED

    run(test)


class DeletingDatabase(MemoryDatabase):
    """A database that deletes the oldest submission before a failed one is set aside."""

    async def write(self, use_case: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run the use case."""
        if use_case is set_failed_aside:
            await super().write(
                lambda work: work.submissions.delete_expired(before=datetime.max.replace(tzinfo=UTC), limit=1)
            )
        return await super().write(use_case, *args, **kwargs)


def test_a_submission_that_is_deleted_while_its_processing_fails_delays_no_other() -> None:
    async def test(setup: Setup) -> None:
        await setup.receive("broken@example.com")
        await setup.receive("ann@example.com")
        setup.process.errors["broken@example.com"] = ZeroDivisionError()
        await setup.processor.run_once()
        assert await setup.states() == {"ann@example.com": "accepted"}

    asyncio.run(test(Setup(database=DeletingDatabase())))


def test_submissions_wait_while_the_database_is_unavailable() -> None:
    async def test(setup: Setup) -> None:
        await setup.receive("ann@example.com")
        setup.process.errors["ann@example.com"] = Unavailable("The database is too busy.")
        with pytest.raises(Unavailable):
            await setup.processor.run_once()
        assert await setup.states() == {"ann@example.com": "received"}

    run(test)


def test_expired_submissions_are_deleted_at_the_start_and_then_every_hour() -> None:
    async def test(setup: Setup) -> None:
        for number in range(BATCH + 1):
            await setup.receive(f"{number}@example.com")
        setup.clock.advance(KEEP)
        await setup.processor.run_once()
        assert len(await setup.states()) == BATCH + 1
        await setup.receive("new@example.com")
        setup.clock.advance(EXPIRY_INTERVAL - timedelta(seconds=1))
        await setup.processor.run_once()
        assert len(await setup.states()) == BATCH + 2
        setup.clock.advance(timedelta(seconds=1))
        await setup.processor.run_once()
        assert await setup.states() == {"new@example.com": "accepted"}

    run(test)


def test_the_loop_survives_errors_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission_processor, "POLL_SECONDS", 0)

    async def test(setup: Setup) -> None:
        await setup.receive("ann@example.com")
        setup.process.errors["ann@example.com"] = Unavailable("The database is too busy.")
        with capture_logs() as log:
            running = asyncio.create_task(setup.processor.run())
            await until(lambda: len(log) > 2)
            assert {line["event"] for line in log} == {"processing_delayed"}
            setup.process.errors.clear()
            await until_accepted(setup)
        setup.processor.stop()
        await asyncio.wait_for(running, 5)

    run(test)


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until the condition holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def until_accepted(setup: Setup) -> None:
    """Let other tasks run until the submission is accepted."""
    async with asyncio.timeout(5):
        while set((await setup.states()).values()) != {"accepted"}:
            await asyncio.sleep(0)


def test_expired_submissions_are_deleted_after_the_clock_was_set_back() -> None:
    async def test(setup: Setup) -> None:
        setup.clock.advance(400 * KEEP)
        await setup.processor.run_once()
        setup.clock.advance(-400 * KEEP)
        await setup.receive("old@example.com")
        setup.clock.advance(KEEP + timedelta(seconds=1))
        await setup.processor.run_once()
        assert await setup.states() == {}

    asyncio.run(test(Setup()))
