"""Test that readers of the feed see each entry exactly once, despite concurrent, late and missing commits."""

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
from contracts.feed import RollbackError, add_and_fail
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
    """Open the service's database on this engine."""
    with asyncio.Runner() as runner:
        database = make_database(engine)
        try:
            yield RunningDatabase(database, runner)
        finally:
            runner.run(database.close())


@pytest.fixture
def url() -> Iterator[URL]:
    """Create an empty PostgreSQL database."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def running(url: URL) -> Iterator[RunningDatabase]:
    """Open the service's database."""
    with opened(make_engine(url)) as running:
        yield running


class Transaction:
    """A transaction of another process that stays open until a test ends it."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()
        self._connection.begin()
        driver = StatementRunner(self._connection.connection.driver_connection, engine.dialect, {})
        self.work = SqlUnitOfWork(driver)

    def end(self, *, commit: bool = True) -> None:
        """Commit the transaction or roll it back."""
        (self._connection.commit if commit else self._connection.rollback)()
        self._connection.close()


@pytest.fixture
def others(url: URL) -> Iterator[Engine]:
    """Return the engine of another process."""
    engine = make_engine(url)
    yield engine
    engine.dispose()


def test_an_entry_committed_late_is_published_late_and_not_missed(running: RunningDatabase, others: Engine) -> None:
    follower, (first, second, third) = FeedReader(), some_entries(3)
    other = Transaction(others)
    add(other.work, first)
    running.write(add, second)
    assert follower.follow(running) == [second]

    other.end()
    running.write(add, third)
    assert follower.follow(running) == [second, first, third]


def test_an_uncommitted_transaction_delays_no_reader(running: RunningDatabase, others: Engine) -> None:
    follower, (first, second) = FeedReader(), some_entries(2)
    other = Transaction(others)
    add(other.work, first)
    running.write(add, second)
    assert follower.follow(running) == [second]

    other.end(commit=False)
    assert follower.follow(running) == [second]


def test_publishing_waits_for_a_concurrent_publication(running: RunningDatabase, others: Engine) -> None:
    """Otherwise a reader could see positions of the first commit before smaller ones of the second."""
    follower, written = FeedReader(), some_entries(3)
    running.write(add, written[0])
    other = Transaction(others)
    publish_events(other.work)
    assert other.work.timeline.in_feed(after=None, limit=5).items == written[:1]
    running.write(add, written[1])

    async def follow_and_let_go() -> None:
        following = asyncio.create_task(follower.catch_up(running.database))
        await _wait_for_blocked_lock(others)
        assert not following.done()
        assert follower.seen == []
        add(other.work, written[2])
        other.end()
        await following

    running.run(follow_and_let_go())
    assert follower.seen == written


async def _wait_for_blocked_lock(engine: Engine) -> None:
    """Wait until a transaction is blocked by a lock."""
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
"""Steps: a transaction writes entries, commits or rolls back, or a reader reads a page."""


def test_all_readers_see_one_order_of_entries(running: RunningDatabase, others: Engine) -> None:
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
                # A writer locks the row of the lead: each lead has one transaction at a time.
                transaction, written = opened.get(which) or (Transaction(others), [])
                entries = some_entries(size, LeadId(an_id(which)))
                add(transaction.work, *entries)
                opened[which] = transaction, [*written, *entries]
            elif which in opened:
                transaction, written = opened.pop(which)
                transaction.end(commit=step == "commit")
                committed += written if step == "commit" else []

        for follower in [*followers, here]:
            follower.follow(running)
        seen = here.seen[before:]
        assert _by_lead(seen) == _by_lead(committed)
        assert [follower.seen for follower in followers] == [seen] * 3

    follow()


def _by_lead(entries: Sequence[TimelineEntry]) -> dict[str, list[TimelineEntry]]:
    """Return the entries of each lead, in order."""
    return {lead: [each for each in entries if each.lead_id == lead] for lead in {each.lead_id for each in entries}}


@pytest.mark.parametrize("store", STORES)
@pytest.mark.wal
def test_readers_miss_nothing_while_several_processes_write(store: str, tmp_path: Path) -> None:
    """Let each database object act as one process; all share a file or a server."""
    with database_url(store, tmp_path) as url, asyncio.Runner() as runner, ExitStack() as closing:
        assert url is not None
        engines = [make_engine(url) for _ in range(PROCESSES)]
        traffic = Traffic([make_database(engine) for engine in engines], engines, random.Random(store))
        for database in traffic.databases:
            closing.callback(_close, runner, database)
        followers = [FeedReader() for _ in range(4)]
        written = runner.run(asyncio.wait_for(traffic.write_and_read(followers), TIMEOUT_SECONDS))

    first, *others = (follower.seen for follower in followers)
    assert Counter(entry.id for entry in first) == Counter(entry.id for entry in written)
    assert _by_lead(first) == _by_lead(written)
    assert others == [first] * len(others)


def _close(runner: asyncio.Runner, database: Database) -> None:
    runner.run(database.close())


@dataclass
class Traffic:
    """Concurrent writers and readers on several databases."""

    databases: Sequence[Database]
    engines: Sequence[Engine]
    chance: random.Random
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def write_and_read(self, followers: Sequence[FeedReader]) -> list[TimelineEntry]:
        """Run writers and readers; return the written entries, in order for each lead."""
        following = [asyncio.create_task(self._follow(follower)) for follower in followers]
        writing = [self._write(LeadId(an_id(number))) for number in range(WRITERS)]
        if self.engines[0].dialect.name == "postgresql":  # SQLite has one writer: it never commits out of order
            writing += [self._write_slowly(LeadId(an_id(WRITERS + number))) for number in range(WRITERS)]
        written = await asyncio.gather(*writing)
        self.done.set()
        await asyncio.gather(*following)
        return [entry for entries in written for entry in entries]

    async def _write(self, lead: LeadId) -> list[TimelineEntry]:
        """Write through the service; some units of work fail."""
        written: list[TimelineEntry] = []
        for entries in self._entries(lead):
            work = add_and_fail if self._fails() else add
            with suppress(RollbackError):
                await self.chance.choice(self.databases).write(work, *entries)
                written += entries
        return written

    async def _write_slowly(self, lead: LeadId) -> list[TimelineEntry]:
        """Write in slow transactions; some are rolled back."""
        written: list[TimelineEntry] = []
        for entries in self._entries(lead):
            transaction, fails = Transaction(self.chance.choice(self.engines)), self._fails()
            add(transaction.work, *entries)
            await self._others()
            transaction.end(commit=not fails)
            written += [] if fails else entries
        return written

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
        """Yield to other tasks for some event-loop turns."""
        for _ in range(self.chance.randint(0, 20)):
            await asyncio.sleep(0)


@pytest.mark.parametrize("store", STORES)
def test_feed_positions_are_not_reused_after_the_newest_entries_are_deleted(store: str, tmp_path: Path) -> None:
    with DATABASES[store](tmp_path) as running:
        follower, written = FeedReader(), some_entries(3)
        running.write(add, *written)
        follower.follow(running)
        engine: Engine = running.database._engine  # type: ignore[attr-defined]
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM timeline WHERE position > (SELECT min(position) FROM timeline)")
        more = some_entries(3)
        running.write(add, *more)

        assert follower.follow(running) == [*written, *more]
        assert FeedReader().follow(running) == [written[0], *more]


@pytest.mark.parametrize("source", STORES)
@pytest.mark.parametrize("target", STORES)
def test_a_reader_can_continue_on_a_copy_of_the_database(source: str, target: str, tmp_path: Path) -> None:
    early, late = FeedReader(), FeedReader()
    written = some_entries(9)
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    with database_url(source, tmp_path / "source") as here, database_url(target, tmp_path / "target") as there:
        assert here is not None
        assert there is not None
        with opened(make_engine(here)) as running:
            running.write(add, *written[:3])
            early.follow(running)
            running.write(add, *written[3:6])
        engines = make_engine(here), make_engine(there)
        copy_database(*engines, lambda _done, _total: None)
        for engine in engines:
            engine.dispose()
        with opened(make_engine(there)) as running:
            running.write(add, *written[6:])
            assert early.follow(running, limit=2) == late.follow(running) == written
