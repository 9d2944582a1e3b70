"""Test merges and erasures on PostgreSQL with concurrent changes of the same leads. SQLite has one writer."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine

from application import ACTOR, Application
from builders import NOON
from databases import RunningDatabase
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import LeadsError, Merged, NotFound
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.ports import UnitOfWork
from leads_domain.task import Task
from leads_domain.use_cases.create_task import TaskInput
from leads_domain.use_cases.merge_leads import MergeInput
from postgres import postgres_url

ROUNDS = 40

Step = Callable[[UnitOfWork], object]


@pytest.fixture
def url() -> Iterator[URL]:
    """Create a database with empty tables."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def engine(url: URL) -> Iterator[Engine]:
    """Return the engine of another process."""
    engine = postgres_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def app(url: URL) -> Iterator[Application]:
    """Return an application on the database."""
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url))
        yield Application(RunningDatabase(database, runner))
        runner.run(database.close())


def work_on(connection: Connection) -> SqlUnitOfWork:
    """Begin a transaction and return a unit of work on it."""
    connection.begin()
    return SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, connection.dialect, {}))


async def wait_for_blocked_lock(connection: Connection) -> None:
    """Wait until a transaction is blocked by a lock."""
    while not connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").all():
        await asyncio.sleep(0.002)


def merge_step(app: Application, lead: Lead, duplicate: Lead) -> Step:
    """Return a step that merges two leads."""
    return lambda work: app.merge_leads(work, lead.id, MergeInput(duplicate_id=duplicate.id), actor=ACTOR)


def erase_step(app: Application, lead: Lead) -> Step:
    """Return a step that erases a lead."""
    return lambda work: app.erase_lead(work, lead.id, actor=ACTOR)


def result_during(app: Application, engine: Engine, first: Step, then: Step) -> Any:
    """Return the result of `then`, which waits for the commit of `first` in another process."""
    with engine.connect() as connection:

        async def overtake() -> Any:
            waiting = asyncio.create_task(_outcome(app.database.database.write(then)))
            await wait_for_blocked_lock(connection)
            connection.commit()
            return await waiting

        first(work_on(connection))
        return app.database.run(overtake())


async def _outcome(asked: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await asked
    except LeadsError as error:
        return error


@pytest.fixture
def john(app: Application) -> Lead:
    """Create a lead."""
    return app.register().lead


@pytest.fixture
def jon(app: Application, john: Lead) -> Lead:
    """Create a duplicate of John."""
    return app.register(email="jon@example.com").lead


@pytest.mark.parametrize("crosswise", [False, True])
def test_leads_are_locked_in_the_order_of_their_ids(
    app: Application, engine: Engine, john: Lead, jon: Lead, crosswise: bool
) -> None:
    """Opposite merges therefore never deadlock."""
    pair = (jon, john) if crosswise else (john, jon)

    def look_at_jon(connection: Connection) -> None:
        with engine.connect() as other:
            other.exec_driver_sql(f"SELECT 1 FROM leads WHERE id = '{jon.id}' FOR UPDATE NOWAIT").one()
        connection.rollback()

    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM leads WHERE id = '{john.id}' FOR UPDATE")

        async def merge() -> Any:
            waiting = asyncio.create_task(_outcome(app.database.database.write(merge_step(app, *pair))))
            await wait_for_blocked_lock(connection)
            look_at_jon(connection)
            return await waiting

        assert app.database.run(merge()).id == pair[0].id


def test_of_two_opposite_merges_one_succeeds_and_the_other_is_redirected(url: URL, app: Application) -> None:
    other = PostgresDatabase(postgres_engine(url))

    async def both(one: Lead, two: Lead) -> tuple[Any, Any]:
        return await asyncio.gather(
            _outcome(app.database.database.write(merge_step(app, one, two))),
            _outcome(other.write(merge_step(app, two, one))),
        )

    try:
        for number in range(ROUNDS):
            one, two = (app.register(email=f"{number}-{each}@example.com").lead for each in "ab")
            responses = app.database.run(both(one, two))
            (merged,) = (response for response in responses if isinstance(response, Merged))
            (lead,) = (response for response in responses if isinstance(response, Lead))
            assert merged.into == lead.id != merged.id
            assert app.lead(lead) == lead
            assert app.event_types(lead).count("lead.merged") == 1
    finally:
        app.database.run(other.close())


def test_a_merge_does_not_keep_pairs_of_a_lead_that_is_erased(
    app: Application, engine: Engine, john: Lead, jon: Lead
) -> None:
    jane = app.register(email="jane@example.com").lead
    app.mark_distinct(jon, jane)
    result = result_during(app, engine, erase_step(app, jane), merge_step(app, john, jon))
    assert result.id == john.id
    assert app.personal_data(john).distinct_ids == []


def test_an_outcome_is_recorded_for_the_target_of_a_concurrent_merge(
    app: Application, engine: Engine, john: Lead, jon: Lead
) -> None:
    app.trigger(jon)
    (claimed,) = app.claim()
    recorded = result_during(
        app, engine, merge_step(app, john, jon), lambda work: app.record_outcome(work, claimed.item, None)
    )
    assert recorded is True
    assert [each.state for each in app.follow_ups(john)] == [FollowUpState.SENT]
    assert app.lead(john).next_follow_up_at is None
    assert app.event_types(john)[-1] == "follow_up.sent"


def test_a_follow_up_can_be_cancelled_during_a_merge(app: Application, engine: Engine, john: Lead, jon: Lead) -> None:
    follow_up = app.trigger(jon)
    cancelled = result_during(
        app,
        engine,
        merge_step(app, john, jon),
        lambda work: app.change_follow_up(work, follow_up.id, type(follow_up).cancel, actor=ACTOR),
    )
    assert (cancelled.lead_id, cancelled.state) == (john.id, FollowUpState.CANCELLED)


def complete_step(app: Application, task: Task) -> Step:
    """Return a step that completes a task and creates the next one."""
    next: TaskInput = {"text": "Write", "due_at": NOON}
    return lambda work: app.complete_open_task(work, task.id, {"outcome": "Called", "next": next}, actor=ACTOR)


def test_a_task_can_be_completed_during_a_merge(app: Application, engine: Engine, john: Lead, jon: Lead) -> None:
    task = app.create_task(jon, assignee="mia@example.com")
    completion = result_during(app, engine, merge_step(app, john, jon), complete_step(app, task))
    assert completion.lead == app.lead(john)
    assert app.tasks(john) == [completion.task, completion.next]


def test_a_change_of_a_duplicate_during_its_merge_is_redirected(
    app: Application, engine: Engine, john: Lead, jon: Lead
) -> None:
    response = result_during(
        app,
        engine,
        merge_step(app, john, jon),
        lambda work: app.add_note(work, jon.id, {"text": "He moved."}, actor=ACTOR),
    )
    assert (type(response), response.into) == (Merged, john.id)


def test_nothing_is_stored_about_a_lead_during_its_erasure(app: Application, engine: Engine, john: Lead) -> None:
    app.trigger(john)
    task = app.create_task(john, assignee="mia@example.com", due_at=NOON + timedelta(hours=1))
    (claimed,) = app.claim()
    steps: list[tuple[Step, Any]] = [
        (lambda work: app.record_outcome(work, claimed.item, None), False),
        (lambda work: app.add_note(work, john.id, {"text": "Who?"}, actor=ACTOR), NotFound),
        (lambda work: app.trigger_follow_up(work, john.id, {}, actor=ACTOR), NotFound),
        (lambda work: app.change_lead(work, john.id, {"name": "John"}, actor=ACTOR), NotFound),
        (lambda work: app.create_task_of_lead(work, john.id, {"text": "Call", "due_at": NOON}, actor=ACTOR), NotFound),
        (complete_step(app, task), NotFound),
        (erase_step(app, john), NotFound),
    ]

    async def all_at_once(connection: Connection) -> list[Any]:
        waiting = [asyncio.create_task(_outcome(app.database.database.write(step))) for step, _ in steps]
        await wait_for_blocked_lock(connection)
        connection.commit()
        return await asyncio.gather(*waiting)

    with engine.connect() as connection:
        erase_step(app, john)(work_on(connection))
        responses = app.database.run(all_at_once(connection))
    assert [response if response is False else type(response) for response in responses] == [
        expected for _, expected in steps
    ]
    assert app.event_types(john) == ["lead.erased"]


def test_an_erasure_waits_for_a_claim_and_deletes_its_follow_up(app: Application, engine: Engine, john: Lead) -> None:
    app.trigger(john)
    erased = result_during(
        app, engine, lambda work: app.claim_due(work, owner="one", limits={"log": 1}), erase_step(app, john)
    )
    assert erased is None
    assert app.event_types(john) == ["lead.erased"]
    assert app.claim() == []
