"""Check that two processes can write to one file."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import cast

from application import LEASE
from builders import NOON, a_follow_up, an_id
from contracts.database import (
    MANY,
    add,
    add_with_same_email,
    all_at_once,
    ids,
    increment_version,
    numbered,
)
from databases import engine_of, sqlite_file
from leads_adapters.database import Database
from leads_domain.errors import DuplicateLead
from leads_domain.ports import UnitOfWork
from sqlite_parts import SqliteParts


class TestTwoProcesses:
    """Two processes on one file, each with a thread and an event loop of its own."""

    @staticmethod
    def each(folder: Path, use_case: Callable[[UnitOfWork, int], object]) -> list[object]:
        """Return the results of 20 rounds of concurrent writes; every write gets another number."""
        file = sqlite_file(folder)
        start = threading.Barrier(2)

        async def rounds(database: Database, numbers: Iterator[int]) -> list[object]:
            results = []
            for _ in range(20):
                results += await all_at_once(*(database.write(use_case, next(numbers)) for _ in range(3)))
            return results

        def run(process: int) -> list[object]:
            with SqliteParts.opened(engine_of(file)) as sqlite:
                start.wait(10)
                return sqlite.running.run(rounds(sqlite.running.database, count(process, 2)))

        with ThreadPoolExecutor(2) as threads:
            return [result for results in threads.map(run, range(2)) for result in results]

    def test_lose_no_change(self, tmp_path: Path) -> None:
        def add_or_count(work: UnitOfWork, _: int) -> int:
            return increment_version(work, 1) if ids(work) else add(work, 1) - 1

        assert sorted(map(str, self.each(tmp_path, add_or_count))) == sorted(map(str, range(120)))

    def test_store_an_email_for_one_lead(self, tmp_path: Path) -> None:
        results = self.each(tmp_path, add_with_same_email)

        (winner,) = (result for result in results if isinstance(result, str))
        losers = [result for result in results if isinstance(result, DuplicateLead)]
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
