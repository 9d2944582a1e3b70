"""Answers that take long to work out, and are therefore shared."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")

LONG_SECONDS = 0.2
"""What takes no longer than this is worked out anew for whoever asks after that."""

REST = 10
"""For how many times as long as it took an answer is good: a tenth of a processor at the most goes into them."""


class SingleFlightCache(Generic[ResultT]):
    """Works an answer out once for all who ask meanwhile; one that took long is also for those who ask soon after."""

    def __init__(
        self, work_out: Callable[[], Awaitable[ResultT]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._work_out = work_out
        self._monotonic = monotonic
        self._answer: asyncio.Future[ResultT] | None = None
        self._good_until = float("-inf")

    async def ask(self) -> ResultT:
        """The answer; raises what `work_out` raises."""
        if self._answer is None or (self._answer.done() and self._monotonic() >= self._good_until):
            self._answer = asyncio.ensure_future(self._take_time())
        return await asyncio.shield(self._answer)  # whoever hangs up leaves it to the others

    async def _take_time(self) -> ResultT:
        began = self._monotonic()
        answer = await self._work_out()
        took = self._monotonic() - began
        self._good_until = began + (1 + REST) * took if took > LONG_SECONDS else began
        return answer
