"""Merges and erasures on PostgreSQL, while others work at the same leads. On SQLite one works at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine

from application import ACTOR, Application
from databases import RunningDatabase
from leads_adapters.sql.postgres.database import PostgresDatabase
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import LeadsError, Merged, NotFound
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.merge_leads import MergeInput
from postgres import postgres_url

ROUNDS = 40

Step = Callable[[UnitOfWork], object]


@pytest.fixture
def url() -> Iterator[URL]:
    """A database with all tables, which are empty."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def engine(url: URL) -> Iterator[Engine]:
    """What other processes connect with."""
    engine = postgres_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def app(url: URL) -> Iterator[Application]:
    """An application there."""
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url))
        yield Application(RunningDatabase(database, runner))
        runner.run(database.close())


def work_on(connection: Connection) -> SqlUnitOfWork:
    """The stores on a transaction that begins now."""
    connection.begin()
    return SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, connection.dialect, {}))


async def somebody_waits(connection: Connection) -> None:
    """Until somebody waits for a lock."""
    while not connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").all():
        await asyncio.sleep(0.002)


def merging(app: Application, lead: Lead, duplicate: Lead) -> Step:
    """A step that makes one lead of two."""
    return lambda work: app.merge_leads(work, lead.id, MergeInput(duplicate_id=duplicate.id), actor=ACTOR)


def erasing(app: Application, lead: Lead) -> Step:
    """A step that erases a lead."""
    return lambda work: app.erase_lead(work, lead.id, actor=ACTOR)


def meanwhile(app: Application, engine: Engine, first: Step, then: Step) -> Any:
    """What `then` answers that has to wait, because another process has done `first` and commits later."""
    with engine.connect() as connection:

        async def overtake() -> Any:
            waiting = asyncio.create_task(_outcome(app.database.database.write(then)))
            await somebody_waits(connection)
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
    """A lead."""
    return app.register().lead


@pytest.fixture
def jon(app: Application, john: Lead) -> Lead:
    """The same person."""
    return app.register(email="jon@example.com").lead


@pytest.mark.parametrize("crosswise", [False, True])
def test_leads_are_locked_in_the_order_of_their_ids(
    app: Application, engine: Engine, john: Lead, jon: Lead, crosswise: bool
) -> None:
    """So two merges crosswise never wait for each other."""
    pair = (jon, john) if crosswise else (john, jon)

    def look_at_jon(connection: Connection) -> None:
        with engine.connect() as other:
            other.exec_driver_sql(f"SELECT 1 FROM leads WHERE id = '{jon.id}' FOR UPDATE NOWAIT").one()
        connection.rollback()

    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM leads WHERE id = '{john.id}' FOR UPDATE")

        async def merge() -> Any:
            waiting = asyncio.create_task(_outcome(app.database.database.write(merging(app, *pair))))
            await somebody_waits(connection)
            look_at_jon(connection)
            return await waiting

        assert app.database.run(merge()).id == pair[0].id


def test_of_two_merges_crosswise_one_is_done_and_the_other_is_told_where_to_look(url: URL, app: Application) -> None:
    other = PostgresDatabase(postgres_engine(url))

    async def both(one: Lead, two: Lead) -> tuple[Any, Any]:
        return await asyncio.gather(
            _outcome(app.database.database.write(merging(app, one, two))),
            _outcome(other.write(merging(app, two, one))),
        )

    try:
        for number in range(ROUNDS):
            one, two = (app.register(email=f"{number}-{each}@example.com").lead for each in "ab")
            answers = app.database.run(both(one, two))
            (merged,) = (answer for answer in answers if isinstance(answer, Merged))
            (lead,) = (answer for answer in answers if isinstance(answer, Lead))
            assert merged.into == lead.id != merged.id
            assert app.lead(lead) == lead
            assert app.event_types(lead).count("lead.merged") == 1
    finally:
        app.database.run(other.close())


def test_an_outcome_is_recorded_of_the_lead_that_a_merge_has_just_given_it_to(
    app: Application, engine: Engine, john: Lead, jon: Lead
) -> None:
    app.trigger(jon)
    (claimed,) = app.claim()
    recorded = meanwhile(
        app, engine, merging(app, john, jon), lambda work: app.record_outcome(work, claimed.follow_up, None)
    )
    assert recorded is True
    assert [each.state for each in app.follow_ups(john)] == [FollowUpState.SENT]
    assert app.lead(john).next_follow_up_at is None
    assert app.event_types(john)[-1] == "follow_up.sent"


def test_a_follow_up_can_be_cancelled_that_a_merge_has_just_moved(
    app: Application, engine: Engine, john: Lead, jon: Lead
) -> None:
    follow_up = app.trigger(jon)
    cancelled = meanwhile(
        app,
        engine,
        merging(app, john, jon),
        lambda work: app.change_follow_up(work, follow_up.id, type(follow_up).cancel, actor=ACTOR),
    )
    assert (cancelled.lead_id, cancelled.state) == (john.id, FollowUpState.CANCELLED)


def test_what_is_said_of_a_duplicate_while_it_is_merged_is_redirected(
    app: Application, engine: Engine, john: Lead, jon: Lead
) -> None:
    answer = meanwhile(
        app,
        engine,
        merging(app, john, jon),
        lambda work: app.add_note(work, jon.id, {"text": "He moved."}, actor=ACTOR),
    )
    assert (type(answer), answer.into) == (Merged, john.id)


def test_nothing_is_kept_of_somebody_who_has_just_been_erased(app: Application, engine: Engine, john: Lead) -> None:
    app.trigger(john)
    (claimed,) = app.claim()
    steps: list[tuple[Step, Any]] = [
        (lambda work: app.record_outcome(work, claimed.follow_up, None), False),
        (lambda work: app.add_note(work, john.id, {"text": "Who?"}, actor=ACTOR), NotFound),
        (lambda work: app.trigger_follow_up(work, john.id, {}, actor=ACTOR), NotFound),
        (lambda work: app.change_lead(work, john.id, {"name": "John"}, actor=ACTOR), NotFound),
        (erasing(app, john), NotFound),
    ]

    async def all_at_once(connection: Connection) -> list[Any]:
        waiting = [asyncio.create_task(_outcome(app.database.database.write(step))) for step, _ in steps]
        await somebody_waits(connection)
        connection.commit()
        return await asyncio.gather(*waiting)

    with engine.connect() as connection:
        erasing(app, john)(work_on(connection))
        answers = app.database.run(all_at_once(connection))
    assert [answer if answer is False else type(answer) for answer in answers] == [expected for _, expected in steps]
    assert app.event_types(john) == ["lead.erased"]


def test_an_erasure_waits_for_a_claim_and_leaves_nothing_of_it(app: Application, engine: Engine, john: Lead) -> None:
    app.trigger(john)
    erased = meanwhile(
        app, engine, lambda work: app.claim_due(work, owner="one", limits={"log": 1}), erasing(app, john)
    )
    assert erased is None
    assert app.event_types(john) == ["lead.erased"]
    assert app.claim() == []
