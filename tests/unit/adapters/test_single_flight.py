"""Answers that are shared by all who ask while they are worked out, and for a while if that took long."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from leads_adapters.single_flight import LONG_SECONDS, REST, SingleFlightCache


class Worker:
    """Counts how often it was asked; each answer takes `takes` seconds."""

    def __init__(self) -> None:
        self.time, self.takes, self.asked = 0.0, 0.0, 0
        self.shared = SingleFlightCache(self.work_out, lambda: self.time)

    async def work_out(self) -> int:
        """The number of this answer."""
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0)
        self.time += self.takes
        if number == 13:
            raise ValueError(number)
        return number


def run(test: Callable[[Worker], Coroutine[Any, Any, None]]) -> None:
    """Run a test with a worker."""
    asyncio.run(test(Worker()))


def test_what_was_quick_is_worked_out_anew_for_each_who_asks_later() -> None:
    async def ask(worker: Worker) -> None:
        worker.takes = LONG_SECONDS
        assert [await worker.shared.ask() for _ in range(3)] == [1, 2, 3]

    run(ask)


def test_all_who_ask_meanwhile_share_an_answer() -> None:
    async def ask(worker: Worker) -> None:
        assert await asyncio.gather(*(worker.shared.ask() for _ in range(5))) == [1] * 5
        assert await worker.shared.ask() == 2

    run(ask)


def test_what_took_long_is_good_for_ten_times_as_long() -> None:
    async def ask(worker: Worker) -> None:
        worker.takes = 3.0
        assert await worker.shared.ask() == 1
        worker.time += REST * worker.takes - 0.5
        assert await worker.shared.ask() == 1
        worker.time += 0.5
        assert await worker.shared.ask() == 2

    run(ask)


def test_whoever_hangs_up_leaves_the_answer_to_the_others() -> None:
    async def ask(worker: Worker) -> None:
        first, second = (asyncio.create_task(worker.shared.ask()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 1

    run(ask)


def test_what_could_not_be_worked_out_is_tried_again() -> None:
    async def ask(worker: Worker) -> None:
        worker.asked, worker.takes = 12, 3.0
        with pytest.raises(ValueError, match="13"):
            await worker.shared.ask()
        assert await worker.shared.ask() == 14

    run(ask)
