"""Test that no attempt starts after a person has opted out, with dispatchers and writers in several processes."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from application import ACTOR, Application
from builders import an_enquiry_rule
from databases import RunningDatabase, database_url
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_app.factories import make_database, make_engine
from leads_domain.delivery import Claimed
from leads_domain.errors import DoNotContact, Merged
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.lead import Lead
from leads_domain.ports import UnitOfWork

HOUR = timedelta(hours=1)
ACTIONS = ("opt out", "claim", "claim later", "enquire", "message", "merge")
NUMBERS = count()
TIMEOUT_SECONDS = 20.0

Programs = list[list[str]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def apps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Application]]:
    """Return a writer and two dispatchers on each database."""
    yield from processes(request.param, tmp_path_factory.mktemp("opting-out"))


@pytest.fixture
def on_postgres(tmp_path: Path) -> Iterator[list[Application]]:
    """Return a writer and two dispatchers on PostgreSQL. SQLite has one writer."""
    yield from processes("postgresql", tmp_path)


def processes(store: str, folder: Path) -> Iterator[list[Application]]:
    """Open a writer and two dispatchers. For the second one, the leases of the first have expired."""
    with ExitStack() as stack:
        url = stack.enter_context(database_url(store, folder))
        runner = stack.enter_context(asyncio.Runner())
        running = [RunningDatabase(make_database(make_engine(url or URL.create(""))), runner) for _ in range(3)]
        apps = [Application(each, [an_enquiry_rule("Thank you.")]) for each in running]
        for number, app in enumerate(apps):
            app.ids.given_out += number * 10_000_000
            app.clock.advance(number * 2 * HOUR)
        yield apps
        for each in running:
            each.run(each.database.close())


class Race:
    """A lead with messages that are due, and what programs do with it at the same time."""

    def __init__(self, apps: Sequence[Application]) -> None:
        self.writer, *self.dispatchers = apps
        number = next(NUMBERS)
        self.email = f"{number}@example.com"
        self.lead, self.duplicate = (self.lead_with_messages(email) for email in (self.email, f"{number}@example.net"))
        self.has_returned = False
        self.attempts_afterwards: list[str] = []

    def lead_with_messages(self, email: str) -> Lead:
        """Return a lead with two due messages."""
        lead = self.writer.register(email=email).lead
        for _ in range(2):
            self.writer.trigger(lead)
        return lead

    def run(self, programs: Programs) -> None:
        """Run the programs at the same time."""

        async def run_all() -> None:
            await asyncio.gather(*map(self.run_one, programs))

        self.writer.database.run(run_all())

    async def run_one(self, program: list[str]) -> None:
        """Run a program, one action after the other."""
        for action in program:
            try:
                await self.action(action)
            except (DoNotContact, Merged):
                continue

    async def action(self, action: str) -> None:
        """Run an action, and note the attempts that a claim starts after opting out has returned."""
        writer = self.writer
        write = writer.database.database.write
        match action:
            case "opt out":
                await write(writer.change_lead, self.lead.id, {"do_not_contact": True}, actor=ACTOR)
                self.has_returned = True
            case "enquire":
                await write(writer.add_enquiry, {"email": self.email}, actor=ACTOR)
            case "message":
                await write(writer.trigger_follow_up, self.lead.id, {}, actor=ACTOR)
            case "merge":
                await write(writer.merge_leads, self.lead.id, {"duplicate_id": self.duplicate.id}, actor=ACTOR)
            case _:
                await self.claim(self.dispatchers[action == "claim later"])

    async def claim(self, app: Application) -> None:
        """Claim what is due. Nothing is recorded, as after a crash, so that the messages are claimed again later."""
        has_returned = self.has_returned
        claimed = await app.database.database.write(app.claim_due, owner="one", limits={"log": 9})
        if has_returned:
            self.attempts_afterwards += [each.item.id for each in claimed if self.is_to_lead(each)]

    def is_to_lead(self, claimed: Claimed[FollowUp]) -> bool:
        """Return whether an attempt would send a message to the lead."""
        return claimed.refusal is None and claimed.item.lead_id == self.lead.id

    def scheduled(self) -> list[FollowUp]:
        """Return the scheduled messages to the lead."""
        return [each for each in self.writer.follow_ups(self.lead) if each.state is FollowUpState.SCHEDULED]


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from(ACTIONS), max_size=3), min_size=1, max_size=4), st.integers(0, 4))
@example([["claim", "claim later"], ["enquire", "message"], ["merge", "claim"]], 1)
def test_no_attempt_starts_after_opting_out(apps: list[Application], programs: Programs, place: int) -> None:
    race = Race(apps)
    programs.insert(place, ["opt out", "claim", "claim later"])
    race.run(programs)
    race.run([["message", "claim", "claim later"], ["enquire", "claim"], ["merge", "claim later"]])

    assert race.attempts_afterwards == []
    assert race.scheduled() == []
    assert race.writer.lead(race.lead).do_not_contact is True


class Held:
    """A unit of work that stops before its commit until it is released."""

    def __init__(self, use_case: Callable[..., Any]) -> None:
        self.use_case, self.has_run, self.release = use_case, Event(), Event()

    def __call__(self, work: UnitOfWork, *args: Any, **kwargs: Any) -> Any:
        result = self.use_case(work, *args, **kwargs)
        self.has_run.set()
        assert self.release.wait(TIMEOUT_SECONDS)
        return result


def during(app: Application, held: Held, first: Coroutine[Any, Any, Any], then: Callable[[], Any]) -> tuple[Any, Any]:
    """Start `first`, run `then` while it is held before its commit, and return both results."""

    async def both() -> tuple[Any, Any]:
        running = asyncio.create_task(first)
        assert await asyncio.to_thread(held.has_run.wait, TIMEOUT_SECONDS)
        result = await then()
        held.release.set()
        return await running, result

    return app.database.run(both())


def test_a_claim_during_opting_out_finds_nothing_and_does_not_wait(on_postgres: list[Application]) -> None:
    writer, dispatcher, _ = on_postgres
    race, held = Race(on_postgres), Held(writer.change_lead)
    opting_out = writer.database.database.write(held, race.lead.id, {"do_not_contact": True}, actor=ACTOR)
    claim = partial(dispatcher.database.database.write, dispatcher.claim_due, owner="one", limits={"log": 9})
    _, claimed = during(writer, held, opting_out, claim)
    assert [each for each in claimed if race.is_to_lead(each)] == []
    assert race.scheduled() == []


def test_opting_out_returns_after_the_claims_that_have_begun(on_postgres: list[Application]) -> None:
    writer, dispatcher, _ = on_postgres
    race, held = Race(on_postgres), Held(dispatcher.claim_due)
    claim = dispatcher.database.database.write(held, owner="one", limits={"log": 9})
    opting_out: list[asyncio.Task[Lead]] = []

    async def opt_out() -> None:
        change = writer.database.database.write(writer.change_lead, race.lead.id, {"do_not_contact": True}, actor=ACTOR)
        opting_out.append(asyncio.create_task(change))
        while not await asyncio.to_thread(waits_for_a_lock, writer):
            assert not opting_out[0].done()

    claimed, _ = during(writer, held, claim, opt_out)
    assert len([each for each in claimed if race.is_to_lead(each)]) == 2

    async def finish() -> Lead:
        return await opting_out[0]

    assert writer.database.run(finish()).do_not_contact is True
    assert [dispatcher.record(each) for each in claimed if race.is_to_lead(each)] == [False, False]


def waits_for_a_lock(app: Application) -> bool:
    """Return whether a transaction waits for another one."""
    engine = cast(PostgresDatabase, app.database.database)._engine
    with engine.connect() as connection:
        return bool(connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").all())
