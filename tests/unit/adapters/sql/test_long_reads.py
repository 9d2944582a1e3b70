"""Test that long reads wait in a queue that is limited in length and time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from leads_adapters.database import Busy
from leads_adapters.sql import long_reads
from leads_adapters.sql.long_reads import LongReads


class Reads:
    """Two reads at once. Each ends after `finish`."""

    def __init__(self, wait_seconds: float = 10) -> None:
        self.queue = LongReads(2, wait_seconds)
        self.begun: list[int] = []
        self.finish = asyncio.Event()

    async def start(self, *numbers: int) -> list[asyncio.Task[int]]:
        """Start these reads, and let them run until they wait."""
        tasks = [asyncio.create_task(self.queue.run(lambda number=number: self._read(number))) for number in numbers]  # type: ignore[misc]
        for _ in range(5):
            await asyncio.sleep(0)
        return tasks

    async def _read(self, number: int) -> int:
        self.begun.append(number)
        await self.finish.wait()
        if number == 13:
            raise ValueError(number)
        return number


def run(test: Callable[[Reads], Coroutine[Any, Any, None]], reads: Reads | None = None) -> None:
    """Run a test."""
    asyncio.run(test(reads or Reads()))


def test_a_few_reads_run_at_once_and_the_others_in_the_order_of_their_arrival() -> None:
    async def overload(reads: Reads) -> None:
        tasks = await reads.start(*range(6))
        assert reads.begun == [0, 1]
        reads.finish.set()
        assert await asyncio.gather(*tasks) == list(range(6))
        assert reads.begun == list(range(6))

    run(overload)


def test_a_read_is_refused_if_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_reads, "WAITING_MAX", 3)

    async def overload(reads: Reads) -> None:
        tasks = await reads.start(*range(5))
        (refused,) = await reads.start(5)
        with pytest.raises(Busy, match="Too many"):
            await refused
        reads.finish.set()
        assert await asyncio.gather(*tasks) == list(range(5))
        assert await asyncio.gather(*await reads.start(6, 7)) == [6, 7]

    run(overload)


def test_a_read_is_refused_after_a_long_wait_and_never_begins() -> None:
    async def overload(reads: Reads) -> None:
        running = await reads.start(1, 2)
        (waiting,) = await reads.start(3)
        with pytest.raises(Busy, match="waited"):
            await waiting
        reads.finish.set()
        assert await asyncio.gather(*running, *await reads.start(4, 5, 6)) == [1, 2, 4, 5, 6]
        assert 3 not in reads.begun

    run(overload, Reads(wait_seconds=0.01))


def test_a_cancelled_read_that_waits_never_begins() -> None:
    async def cancel(reads: Reads) -> None:
        running = await reads.start(1, 2)
        waiting = await reads.start(3, 4)
        waiting[0].cancel()
        reads.finish.set()
        assert await asyncio.gather(*running, waiting[1]) == [1, 2, 4]
        assert reads.begun == [1, 2, 4]

    run(cancel)


def test_a_cancelled_read_that_runs_keeps_its_place_until_its_end() -> None:
    async def cancel(reads: Reads) -> None:
        running = await reads.start(1, 2)
        for task in running:
            task.cancel()
        (waiting,) = await reads.start(3)
        assert reads.begun == [1, 2]
        reads.finish.set()
        assert await waiting == 3

    run(cancel)


def test_a_failed_read_makes_room_for_the_next() -> None:
    async def fail(reads: Reads) -> None:
        failing = await reads.start(13, 13)
        (waiting,) = await reads.start(1)
        reads.finish.set()
        assert [type(error) for error in await asyncio.gather(*failing, return_exceptions=True)] == [ValueError] * 2
        assert await waiting == 1

    run(fail)
