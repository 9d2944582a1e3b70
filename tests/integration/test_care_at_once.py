"""Merges and erasures on PostgreSQL, while others work at the same leads. On SQLite one works at a time."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Connection, Engine

from databases import RunningDatabase
from desk import ACTOR, Desk
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
def desk(url: URL) -> Iterator[Desk]:
    """A desk there."""
    with asyncio.Runner() as runner:
        database = PostgresDatabase(postgres_engine(url))
        yield Desk(RunningDatabase(database, runner))
        runner.run(database.close())


def work_on(connection: Connection) -> SqlUnitOfWork:
    """The stores on a transaction that begins now."""
    connection.begin()
    return SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, connection.dialect, {}))


async def somebody_waits(connection: Connection) -> None:
    """Until somebody waits for a lock."""
    while not connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").all():
        await asyncio.sleep(0.002)


def merging(desk: Desk, lead: Lead, duplicate: Lead) -> Step:
    """A step that makes one lead of two."""
    return lambda work: desk.merge_leads(work, lead.id, MergeInput(duplicate_id=duplicate.id), actor=ACTOR)


def erasing(desk: Desk, lead: Lead) -> Step:
    """A step that erases a lead."""
    return lambda work: desk.erase_lead(work, lead.id, actor=ACTOR)


def meanwhile(desk: Desk, engine: Engine, first: Step, then: Step) -> Any:
    """What `then` answers that has to wait, because another process has done `first` and commits later."""
    with engine.connect() as connection:

        async def overtake() -> Any:
            waiting = asyncio.create_task(_outcome(desk.database.database.write(then)))
            await somebody_waits(connection)
            connection.commit()
            return await waiting

        first(work_on(connection))
        return desk.database.run(overtake())


async def _outcome(asked: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await asked
    except LeadsError as error:
        return error


@pytest.fixture
def john(desk: Desk) -> Lead:
    """A lead."""
    return desk.register().lead


@pytest.fixture
def jon(desk: Desk, john: Lead) -> Lead:
    """The same person."""
    return desk.register(email="jon@example.com").lead


@pytest.mark.parametrize("crosswise", [False, True])
def test_leads_are_locked_in_the_order_of_their_ids(
    desk: Desk, engine: Engine, john: Lead, jon: Lead, crosswise: bool
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
            waiting = asyncio.create_task(_outcome(desk.database.database.write(merging(desk, *pair))))
            await somebody_waits(connection)
            look_at_jon(connection)
            return await waiting

        assert desk.database.run(merge()).id == pair[0].id


def test_of_two_merges_crosswise_one_is_done_and_the_other_is_told_where_to_look(url: URL, desk: Desk) -> None:
    other = PostgresDatabase(postgres_engine(url))

    async def both(one: Lead, two: Lead) -> tuple[Any, Any]:
        return await asyncio.gather(
            _outcome(desk.database.database.write(merging(desk, one, two))),
            _outcome(other.write(merging(desk, two, one))),
        )

    try:
        for number in range(ROUNDS):
            one, two = (desk.register(email=f"{number}-{each}@example.com").lead for each in "ab")
            answers = desk.database.run(both(one, two))
            (merged,) = (answer for answer in answers if isinstance(answer, Merged))
            (lead,) = (answer for answer in answers if isinstance(answer, Lead))
            assert merged.into == lead.id != merged.id
            assert desk.lead(lead) == lead
            assert desk.story(lead).count("lead.merged") == 1
    finally:
        desk.database.run(other.close())


def test_an_outcome_is_recorded_of_the_lead_that_a_merge_has_just_given_it_to(
    desk: Desk, engine: Engine, john: Lead, jon: Lead
) -> None:
    desk.trigger(jon)
    (claimed,) = desk.claim()
    recorded = meanwhile(
        desk, engine, merging(desk, john, jon), lambda work: desk.record_outcome(work, claimed.follow_up, None)
    )
    assert recorded is True
    assert [each.state for each in desk.follow_ups(john)] == [FollowUpState.SENT]
    assert desk.lead(john).next_follow_up_at is None
    assert desk.story(john)[-1] == "follow_up.sent"


def test_a_follow_up_can_be_cancelled_that_a_merge_has_just_moved(
    desk: Desk, engine: Engine, john: Lead, jon: Lead
) -> None:
    follow_up = desk.trigger(jon)
    cancelled = meanwhile(
        desk,
        engine,
        merging(desk, john, jon),
        lambda work: desk.change_follow_up(work, follow_up.id, type(follow_up).cancel, actor=ACTOR),
    )
    assert (cancelled.lead_id, cancelled.state) == (john.id, FollowUpState.CANCELLED)


def test_what_is_said_of_a_duplicate_while_it_is_merged_is_redirected(
    desk: Desk, engine: Engine, john: Lead, jon: Lead
) -> None:
    answer = meanwhile(
        desk,
        engine,
        merging(desk, john, jon),
        lambda work: desk.add_note(work, jon.id, {"text": "He moved."}, actor=ACTOR),
    )
    assert (type(answer), answer.into) == (Merged, john.id)


def test_nothing_is_kept_of_somebody_who_has_just_been_erased(desk: Desk, engine: Engine, john: Lead) -> None:
    desk.trigger(john)
    (claimed,) = desk.claim()
    steps: list[tuple[Step, Any]] = [
        (lambda work: desk.record_outcome(work, claimed.follow_up, None), False),
        (lambda work: desk.add_note(work, john.id, {"text": "Who?"}, actor=ACTOR), NotFound),
        (lambda work: desk.trigger_follow_up(work, john.id, {}, actor=ACTOR), NotFound),
        (lambda work: desk.change_lead(work, john.id, {"name": "John"}, actor=ACTOR), NotFound),
        (erasing(desk, john), NotFound),
    ]

    async def all_at_once(connection: Connection) -> list[Any]:
        waiting = [asyncio.create_task(_outcome(desk.database.database.write(step))) for step, _ in steps]
        await somebody_waits(connection)
        connection.commit()
        return await asyncio.gather(*waiting)

    with engine.connect() as connection:
        erasing(desk, john)(work_on(connection))
        answers = desk.database.run(all_at_once(connection))
    assert [answer if answer is False else type(answer) for answer in answers] == [expected for _, expected in steps]
    assert desk.story(john) == ["lead.erased"]


def test_an_erasure_waits_for_a_claim_and_leaves_nothing_of_it(desk: Desk, engine: Engine, john: Lead) -> None:
    desk.trigger(john)
    erased = meanwhile(
        desk, engine, lambda work: desk.claim_due(work, owner="one", limits={"log": 1}), erasing(desk, john)
    )
    assert erased is None
    assert desk.story(john) == ["lead.erased"]
    assert desk.claim() == []
