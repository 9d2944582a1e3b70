"""When SQLite cannot do its work: nothing is half done, everybody is told, and it works again afterwards."""

import asyncio
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import URL

from builders import NOON, a_follow_up, a_lead, an_email, an_id
from contracts.database import (
    MANY,
    add,
    add_all_the_same,
    all_at_once,
    count_up,
    ids,
    lead_number,
    numbered,
)
from databases import engine_of, sqlite_file
from desk import LEASE
from leads_adapters.database import Database, Outage, StorageFull
from leads_adapters.sql.sqlite.driver import driver, journal_mode
from leads_domain.errors import DuplicateLead, Unavailable
from leads_domain.ports import UnitOfWork
from rest import JOHN, a_service
from sqlite_parts import SqliteParts

LOCK = """
import sys
from leads_adapters.sql.sqlite.driver import driver

connection = driver.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""
BULKY = {f"attribute {number}": "x" * 1000 for number in range(10)}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """How long a write waits for another process, in seconds; shorter than in service."""
    monkeypatch.setattr("leads_adapters.sql.sqlite.engine.BUSY_TIMEOUT_SECONDS", 0.3)
    return 0.3


def add_bulky(work: UnitOfWork, number: int) -> str:
    """Keep a lead that takes several pages."""
    lead = a_lead(id=an_id(number), email=an_email(f"{number}@example.com"), attributes=BULKY)
    work.leads.add(lead)
    return lead.id


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_nothing_half_done(sqlite: SqliteParts, answers: list[object], before: list[str]) -> bool:
    """Check that what was answered is kept, and nothing else; tell whether anything was refused."""
    refused = [answer for answer in answers if not isinstance(answer, str)]
    assert all(isinstance(answer, Unavailable) for answer in refused), refused
    assert set(sqlite.running.read(ids)) == {*before, *(answer for answer in answers if isinstance(answer, str))}
    return bool(refused)


def check_words(sqlite: SqliteParts) -> None:
    """Have SQLite hold the index of words against the leads; raises if one knows what the other does not."""
    with sqlite.stranger() as stranger:
        stranger.execute("INSERT INTO lead_words (lead_words, rank) VALUES ('integrity-check', 1)")


def one_by_one(sqlite: SqliteParts, numbers: Iterable[int]) -> Iterator[object]:
    """Keep one lead after the other until one is refused."""
    for number in numbers:
        try:
            yield sqlite.running.write(add_bulky, number)
        except Unavailable as refusal:
            yield refusal
            return


def test_a_full_database_does_nothing_by_halves_and_works_again_when_there_is_room(sqlite: SqliteParts) -> None:
    (pages,) = sqlite.writer.execute("PRAGMA page_count").fetchone()
    sqlite.writer.execute(f"PRAGMA max_page_count = {pages + 20}")
    database = sqlite.running.database
    answers = sqlite.running.run(all_at_once(*(database.write(add_bulky, number) for number in range(MANY))))

    assert assert_nothing_half_done(sqlite, answers, [])
    before = sqlite.running.read(ids)
    sqlite.writer.execute(f"PRAGMA max_page_count = {pages + 60}")
    answers = [*one_by_one(sqlite, range(100, 200))]
    assert assert_nothing_half_done(sqlite, answers, before)
    assert 1 < len(answers) < 100
    assert isinstance(answers[-1], StorageFull)
    sqlite.writer.execute("PRAGMA max_page_count = 1000000")
    assert sqlite.running.write(add_bulky, 200) == an_id(200)
    check_words(sqlite)


@pytest.mark.wal
def test_whichever_byte_the_disk_refuses_nothing_is_half_done(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    sqlite.running.write(add, 0)
    numbers = iter(range(1, 10_000))
    room, refused = 0, True
    while refused:
        before = sqlite.running.read(ids)
        with file_size_limit(sqlite.wal.stat().st_size + room):
            answers = sqlite.running.run(all_at_once(*(database.write(add_bulky, next(numbers)) for _ in range(3))))
            refused = assert_nothing_half_done(sqlite, answers, before)
        room += 3000

    assert room > 3000
    assert sqlite.running.write(add_bulky, next(numbers))
    assert sqlite.running.read(lambda work: work.leads.get(lead_number(0).id))
    with sqlite.stranger() as stranger:
        assert stranger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check_words(sqlite)


@pytest.mark.usefixtures("impatient")
def test_a_write_lock_that_another_process_keeps_is_told_and_reads_are_answered_meanwhile(
    sqlite: SqliteParts,
) -> None:
    sqlite.running.write(add, 1)
    database = sqlite.running.database

    async def write_and_read() -> tuple[list[object], int]:
        writing = asyncio.ensure_future(all_at_once(*(database.write(add, number) for number in range(2, 5))))
        reads = 0
        while not writing.done():
            assert await database.read(ids) == numbered(1)
            await asyncio.sleep(0)
            reads += 1
        return await writing, reads

    with sqlite.stranger() as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        answers, reads = sqlite.running.run(write_and_read())
        stranger.execute("ROLLBACK")

    assert [type(answer) for answer in answers] == [Outage] * 3
    assert "locked" in str(answers[0])
    assert reads > 10
    assert sqlite.running.write(add, 5) == 2


def test_a_write_waits_for_a_lock_that_another_process_lets_go(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    with sqlite.stranger() as stranger:
        stranger.execute("BEGIN IMMEDIATE")

        async def write_while_locked() -> object:
            writing = asyncio.ensure_future(database.write(add, 1))
            for _ in range(100):
                await database.read(ids)
                await asyncio.sleep(0)
            assert not writing.done()
            stranger.execute("COMMIT")
            return await writing

        assert sqlite.running.run(write_while_locked()) == 1


def test_a_cancelled_caller_does_not_keep_others_from_the_lock_it_waited_for(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    with sqlite.stranger() as stranger:
        stranger.execute("BEGIN IMMEDIATE")

        async def cancel_while_locked() -> list[object]:
            first, second = (asyncio.ensure_future(database.write(add, number)) for number in (1, 2))
            await asyncio.sleep(0)
            await database.read(ids)
            first.cancel()
            await asyncio.sleep(0)
            stranger.execute("COMMIT")
            return await all_at_once(second)

        assert sqlite.running.run(cancel_while_locked()) == [2]
    assert sqlite.running.read(ids) == numbered(1, 2)


@pytest.mark.usefixtures("impatient")
def test_a_commit_that_cannot_be_made_is_undone_and_the_next_one_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With a rollback journal, whoever reads keeps others from committing.
    monkeypatch.setattr("leads_adapters.sql.sqlite.driver.SAFE_WAL_VERSION", (99,))
    with SqliteParts.opened(engine_of(sqlite_file(tmp_path))) as sqlite, sqlite.stranger() as stranger:
        stranger.execute("BEGIN")
        assert stranger.execute("SELECT * FROM leads").fetchall() == []
        with pytest.raises(Unavailable, match="locked"):
            sqlite.running.write(add, 1)
        stranger.execute("ROLLBACK")

        assert sqlite.running.write(add, 2) == 1
        assert sqlite.running.read(ids) == numbered(2)


def test_an_error_that_a_future_cannot_carry_leaves_nobody_waiting(sqlite: SqliteParts) -> None:
    database = sqlite.running.database

    def stop(_: UnitOfWork) -> None:
        raise StopIteration

    async def stop_and_add() -> list[object]:
        work = all_at_once(database.write(stop), database.write(add, 1))
        return await asyncio.wait_for(work, 2)

    stopped, added = sqlite.running.run(stop_and_add())
    assert isinstance(stopped, Exception)
    assert added == 1


@pytest.mark.parametrize("run", ["read", "write"])
def test_a_database_that_is_closed_says_so_rather_than_leave_its_callers_waiting(sqlite: SqliteParts, run: str) -> None:
    database: Any = sqlite.running.database
    sqlite.running.run(database.close())

    with pytest.raises(Unavailable):
        sqlite.running.run(asyncio.wait_for(getattr(database, run)(ids), 2))


def test_a_file_without_tables_is_unavailable(tmp_path: Path) -> None:
    with SqliteParts.opened(engine_of(tmp_path / "empty.db")) as sqlite:
        with pytest.raises(Unavailable, match="no such table"):
            sqlite.running.read(ids)
        with pytest.raises(Unavailable, match="no such table"):
            sqlite.running.write(add, 1)


def test_a_connection_waits_for_a_process_that_is_making_the_database(tmp_path: Path) -> None:
    file = tmp_path / "leads.db"
    with closing(driver.connect(str(file), isolation_level=None)) as maker, ThreadPoolExecutor(1) as thread:
        maker.execute("CREATE TABLE something (at_all TEXT)")
        maker.execute("BEGIN IMMEDIATE")
        connecting = thread.submit(engine_of(file).raw_connection)
        wait([connecting], 0.2)
        maker.execute("COMMIT")
        connection: Any = connecting.result(10)
    with closing(connection):
        assert connection.driver_connection.execute("PRAGMA journal_mode").fetchone() == (journal_mode().lower(),)


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_another_process_keeps_is_a_503_over_http_and_nothing_is_done(tmp_path: Path) -> None:
    file = sqlite_file(tmp_path)
    with a_service(URL.create("sqlite", database=str(file))) as service:
        agent = service.client("agent")
        john = agent.post("/leads", JOHN).expect(201).headers["location"]
        with locked_by_another_process(file):
            asked_at = time.monotonic()
            refused = agent.patch(john, {"name": "Jane Doe"})
            refused.refuse(503, "unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            assert 0.3 <= time.monotonic() - asked_at < 3
            assert agent.get(john).expect(200).json["name"] == "John Doe"
        assert agent.patch(john, {"owner": "ann@example.com"}).expect(200).json["name"] == "John Doe"


@contextmanager
def locked_by_another_process(file: Path) -> Iterator[None]:
    """The write lock of a database is another process's."""
    command = [sys.executable, "-c", LOCK, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield
        process.communicate("let it go\n", timeout=20)


class TestTwoProcesses:
    """Two databases on one file, each in a thread and on an event loop of its own."""

    @staticmethod
    def each(folder: Path, use_case: Callable[[UnitOfWork, int], object]) -> list[object]:
        """What they answered to 20 rounds of a few writes at once; every write is given another number."""
        file = sqlite_file(folder)
        start = threading.Barrier(2)

        async def rounds(database: Database, numbers: Iterator[int]) -> list[object]:
            answers = []
            for _ in range(20):
                answers += await all_at_once(*(database.write(use_case, next(numbers)) for _ in range(3)))
            return answers

        def run(process: int) -> list[object]:
            with SqliteParts.opened(engine_of(file)) as sqlite:
                start.wait(10)
                return sqlite.running.run(rounds(sqlite.running.database, count(process, 2)))

        with ThreadPoolExecutor(2) as threads:
            return [answer for answers in threads.map(run, range(2)) for answer in answers]

    def test_lose_none_of_their_changes(self, tmp_path: Path) -> None:
        def add_or_count(work: UnitOfWork, _: int) -> int:
            return count_up(work, 1) if ids(work) else add(work, 1) - 1

        assert sorted(map(str, self.each(tmp_path, add_or_count))) == sorted(map(str, range(120)))

    def test_give_an_email_address_to_one_lead(self, tmp_path: Path) -> None:
        answers = self.each(tmp_path, add_all_the_same)

        (winner,) = (answer for answer in answers if isinstance(answer, str))
        losers = [answer for answer in answers if isinstance(answer, DuplicateLead)]
        assert [loser.existing_id for loser in losers] == [winner] * 119

    def test_never_claim_the_same_follow_up(self, tmp_path: Path) -> None:
        def add_or_claim(work: UnitOfWork, number: int) -> list[str]:
            if not ids(work):
                add(work, 1)
                for each in range(MANY):
                    work.follow_ups.add(a_follow_up(id=an_id(each)))
            claimed = work.follow_ups.claim_due("log", now=NOON, owner=str(number), until=NOON + LEASE, limit=1)
            return [follow_up.id for follow_up in claimed]

        claimed = [id for ids in self.each(tmp_path, add_or_claim) for id in cast(list[str], ids)]
        assert sorted(claimed) == numbered(*range(MANY))
