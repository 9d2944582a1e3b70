"""Whoever follows the feed misses nothing and sees nothing twice, however many write, commit late, or never."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL, Engine

from builders import an_id
from contracts.feed import BrokenOffError, add_and_fail
from contracts.timeline import add, some_entries
from databases import DATABASES, TIMEOUT_SECONDS, RunningDatabase, database_url
from feed_reader import FeedReader
from leads_adapters.database import Database
from leads_adapters.sql.copying import copy_database
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_app.factories import make_database, make_engine
from leads_domain.events import TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_MAX
from leads_domain.use_cases.follow_events import publish_events
from postgres import postgres_url

STORES = ["sqlite", "postgresql"]
PROCESSES, WRITERS, WRITES = 3, 6, 25


@contextmanager
def opened(engine: Engine) -> Iterator[RunningDatabase]:
    """The service's way of running use cases on this engine."""
    with asyncio.Runner() as runner:
        database = make_database(engine)
        try:
            yield RunningDatabase(database, runner)
        finally:
            runner.run(database.close())


@pytest.fixture
def url() -> Iterator[URL]:
    """An empty PostgreSQL database."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def running(url: URL) -> Iterator[RunningDatabase]:
    """The service on it."""
    with opened(make_engine(url)) as running:
        yield running


class Transaction:
    """A transaction of another process, open for as long as a test likes."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()
        self._connection.begin()
        driver = StatementRunner(self._connection.connection.driver_connection, engine.dialect, {})
        self.work = SqlUnitOfWork(driver)

    def end(self, *, commit: bool = True) -> None:
        """Commit it, or roll it back."""
        (self._connection.commit if commit else self._connection.rollback)()
        self._connection.close()


@pytest.fixture
def others(url: URL) -> Iterator[Engine]:
    """What other processes connect with."""
    engine = make_engine(url)
    yield engine
    engine.dispose()


def test_what_is_committed_late_is_told_late_and_not_missed(running: RunningDatabase, others: Engine) -> None:
    follower, (first, second, third) = FeedReader(), some_entries(3)
    other = Transaction(others)
    add(other.work, first)
    running.write(add, second)
    assert follower.follow(running) == [second]

    other.end()
    running.write(add, third)
    assert follower.follow(running) == [second, first, third]


def test_what_is_never_committed_holds_up_nobody(running: RunningDatabase, others: Engine) -> None:
    follower, (first, second) = FeedReader(), some_entries(2)
    other = Transaction(others)
    add(other.work, first)
    running.write(add, second)
    assert follower.follow(running) == [second]

    other.end(commit=False)
    assert follower.follow(running) == [second]


def test_who_gives_places_waits_for_another_who_does(running: RunningDatabase, others: Engine) -> None:
    """Else the places of the one that commits first would be seen before smaller ones of the other."""
    follower, told = FeedReader(), some_entries(3)
    running.write(add, told[0])
    other = Transaction(others)
    assert publish_events(other.work).items == told[:1]
    running.write(add, told[1])

    async def follow_and_let_go() -> None:
        following = asyncio.create_task(follower.catch_up(running.database))
        await _somebody_waits(others)
        assert not following.done()
        assert follower.seen == []
        add(other.work, told[2])
        other.end()
        await following

    running.run(follow_and_let_go())
    assert follower.seen == told


async def _somebody_waits(engine: Engine) -> None:
    """Until somebody waits for a lock."""
    with engine.connect() as connection:
        while not connection.exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").all():
            connection.rollback()
            await asyncio.sleep(0.001)


Step = tuple[str, int, int]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["write", "write", "commit", "roll back"]), st.integers(0, 3), st.integers(1, 3)),
        st.tuples(st.just("look"), st.integers(0, 2), st.sampled_from([1, LIMIT_MAX])),
    ),
    min_size=10,
    max_size=40,
)
"""A transaction writes so many entries, ends, or a follower reads a page of so many."""


def test_followers_agree_on_one_order_however_transactions_end(running: RunningDatabase, others: Engine) -> None:
    @given(STEPS)
    def follow(steps: Sequence[Step]) -> None:
        here = FeedReader()
        before = len(here.follow(running))
        followers = [FeedReader(after=here.after) for _ in range(3)]
        opened: dict[int, tuple[Transaction, list[TimelineEntry]]] = {}
        committed: list[TimelineEntry] = []
        for step, which, size in [*steps, *(("commit", number, 0) for number in range(4))]:
            if step == "look":
                running.run(followers[which].read_page(running.database, size))
            elif step == "write":
                # Whoever writes of a lead locks its row: of each lead, one transaction at a time.
                transaction, told = opened.get(which) or (Transaction(others), [])
                entries = some_entries(size, LeadId(an_id(which)))
                add(transaction.work, *entries)
                opened[which] = transaction, [*told, *entries]
            elif which in opened:
                transaction, told = opened.pop(which)
                transaction.end(commit=step == "commit")
                committed += told if step == "commit" else []

        for follower in [*followers, here]:
            follower.follow(running)
        seen = here.seen[before:]
        assert _by_lead(seen) == _by_lead(committed)
        assert [follower.seen for follower in followers] == [seen] * 3

    follow()


def _by_lead(entries: Sequence[TimelineEntry]) -> dict[str, list[TimelineEntry]]:
    """What happened to each lead, in order."""
    return {lead: [each for each in entries if each.lead_id == lead] for lead in {each.lead_id for each in entries}}


@pytest.mark.parametrize("store", STORES)
@pytest.mark.wal
def test_writers_in_several_places_and_followers_at_any_time(store: str, tmp_path: Path) -> None:
    """Each database is one process of the service; they share a file or a server."""
    with database_url(store, tmp_path) as url, asyncio.Runner() as runner, ExitStack() as closing:
        assert url is not None
        engines = [make_engine(url) for _ in range(PROCESSES)]
        crowd = Crowd([make_database(engine) for engine in engines], engines, random.Random(store))
        for database in crowd.databases:
            closing.callback(_close, runner, database)
        followers = [FeedReader() for _ in range(4)]
        told = runner.run(asyncio.wait_for(crowd.write_and_follow(followers), TIMEOUT_SECONDS))

    first, *others = (follower.seen for follower in followers)
    assert Counter(entry.id for entry in first) == Counter(entry.id for entry in told)
    assert _by_lead(first) == _by_lead(told)
    assert others == [first] * len(others)


def _close(runner: asyncio.Runner, database: Database) -> None:
    runner.run(database.close())


@dataclass
class Crowd:
    """Many that write and follow at once, here and there."""

    databases: Sequence[Database]
    engines: Sequence[Engine]
    chance: random.Random
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def write_and_follow(self, followers: Sequence[FeedReader]) -> list[TimelineEntry]:
        """What was told, of each lead in its order."""
        following = [asyncio.create_task(self._follow(follower)) for follower in followers]
        writing = [self._write(LeadId(an_id(number))) for number in range(WRITERS)]
        if self.engines[0].dialect.name == "postgresql":  # SQLite has one writer: it never commits out of order
            writing += [self._write_slowly(LeadId(an_id(WRITERS + number))) for number in range(WRITERS)]
        told = await asyncio.gather(*writing)
        self.done.set()
        await asyncio.gather(*following)
        return [entry for entries in told for entry in entries]

    async def _write(self, lead: LeadId) -> list[TimelineEntry]:
        """Write through the service; some units of work fail."""
        told: list[TimelineEntry] = []
        for entries in self._entries(lead):
            work = add_and_fail if self._fails() else add
            with suppress(BrokenOffError):
                await self.chance.choice(self.databases).write(work, *entries)
                told += entries
        return told

    async def _write_slowly(self, lead: LeadId) -> list[TimelineEntry]:
        """Write in transactions that take their time; some are rolled back."""
        told: list[TimelineEntry] = []
        for entries in self._entries(lead):
            transaction, fails = Transaction(self.chance.choice(self.engines)), self._fails()
            add(transaction.work, *entries)
            await self._others()
            transaction.end(commit=not fails)
            told += [] if fails else entries
        return told

    async def _follow(self, follower: FeedReader) -> None:
        while not self.done.is_set():
            await follower.read_page(self.chance.choice(self.databases), self.chance.choice([1, 5, LIMIT_MAX]))
            await self._others()
        await follower.catch_up(self.databases[0])

    def _entries(self, lead: LeadId) -> Iterator[list[TimelineEntry]]:
        return (some_entries(self.chance.randint(1, 3), lead) for _ in range(WRITES))

    def _fails(self) -> bool:
        return self.chance.random() < 0.2

    async def _others(self) -> None:
        """Let others go on for some turns."""
        for _ in range(self.chance.randint(0, 20)):
            await asyncio.sleep(0)


@pytest.mark.parametrize("store", STORES)
def test_places_are_not_given_again_when_the_newest_entries_are_gone(store: str, tmp_path: Path) -> None:
    with DATABASES[store](tmp_path) as running:
        follower, told = FeedReader(), some_entries(3)
        running.write(add, *told)
        follower.follow(running)
        engine: Engine = running.database._engine  # type: ignore[attr-defined]
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM timeline WHERE position > (SELECT min(position) FROM timeline)")
        more = some_entries(3)
        running.write(add, *more)

        assert follower.follow(running) == [*told, *more]
        assert FeedReader().follow(running) == [told[0], *more]


@pytest.mark.parametrize("source", STORES)
@pytest.mark.parametrize("target", STORES)
def test_a_follower_goes_on_with_a_copy_of_the_database(source: str, target: str, tmp_path: Path) -> None:
    early, late = FeedReader(), FeedReader()
    told = some_entries(9)
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    with database_url(source, tmp_path / "source") as here, database_url(target, tmp_path / "target") as there:
        assert here is not None
        assert there is not None
        with opened(make_engine(here)) as running:
            running.write(add, *told[:3])
            early.follow(running)
            running.write(add, *told[3:6])
        engines = make_engine(here), make_engine(there)
        copy_database(*engines, lambda _done, _total: None)
        for engine in engines:
            engine.dispose()
        with opened(make_engine(there)) as running:
            running.write(add, *told[6:])
            assert early.follow(running, limit=2) == late.follow(running) == told
