"""Test that concurrent callers share a result, and later callers share a slow one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from leads_adapters.single_flight import REUSE_FACTOR, SLOW_SECONDS, SingleFlightCache


class Computation:
    """A computation that counts its runs. Each takes `takes` seconds."""

    def __init__(self) -> None:
        self.time, self.takes, self.runs = 0.0, 0.0, 0
        self.cache = SingleFlightCache(self.compute, lambda: self.time)

    async def compute(self) -> int:
        """Return the number of this run."""
        self.runs += 1
        number = self.runs
        await asyncio.sleep(0)
        self.time += self.takes
        if number == 13:
            raise ValueError(number)
        return number


def run(test: Callable[[Computation], Coroutine[Any, Any, None]]) -> None:
    """Run a test with a new computation."""
    asyncio.run(test(Computation()))


def test_a_quick_result_is_computed_again_for_later_callers() -> None:
    async def call(computation: Computation) -> None:
        computation.takes = SLOW_SECONDS
        assert [await computation.cache.get() for _ in range(3)] == [1, 2, 3]

    run(call)


def test_concurrent_callers_share_a_result() -> None:
    async def call(computation: Computation) -> None:
        assert await asyncio.gather(*(computation.cache.get() for _ in range(5))) == [1] * 5
        assert await computation.cache.get() == 2

    run(call)


def test_a_slow_result_is_cached_for_ten_times_its_duration() -> None:
    async def call(computation: Computation) -> None:
        computation.takes = 3.0
        assert await computation.cache.get() == 1
        computation.time += REUSE_FACTOR * computation.takes - 0.5
        assert await computation.cache.get() == 1
        computation.time += 0.5
        assert await computation.cache.get() == 2

    run(call)


def test_a_cancelled_caller_does_not_cancel_others() -> None:
    async def call(computation: Computation) -> None:
        first, second = (asyncio.create_task(computation.cache.get()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 1

    run(call)


def test_a_failed_computation_is_repeated() -> None:
    async def call(computation: Computation) -> None:
        computation.runs, computation.takes = 12, 3.0
        with pytest.raises(ValueError, match="13"):
            await computation.cache.get()
        assert await computation.cache.get() == 14

    run(call)
