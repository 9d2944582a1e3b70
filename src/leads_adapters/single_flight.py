"""Share results that take long to compute."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")

LONG_SECONDS = 0.2
"""A computation that takes longer is slow: its result is kept for a while."""

REST = 10
"""How long a slow result is kept, in multiples of the time it took: so at most a tenth of a processor computes."""


class SingleFlightCache(Generic[ResultT]):
    """Computes a result once for all callers that wait for it; a slow one also serves callers soon after."""

    def __init__(
        self, compute: Callable[[], Awaitable[ResultT]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._compute = compute
        self._monotonic = monotonic
        self._result: asyncio.Future[ResultT] | None = None
        self._good_until = float("-inf")

    async def get(self) -> ResultT:
        """Return the result; raises what `compute` raises."""
        if self._result is None or (self._result.done() and self._monotonic() >= self._good_until):
            self._result = asyncio.ensure_future(self._compute_and_time())
        return await asyncio.shield(self._result)  # a cancelled caller does not cancel it for the others

    async def _compute_and_time(self) -> ResultT:
        began = self._monotonic()
        result = await self._compute()
        took = self._monotonic() - began
        self._good_until = began + (1 + REST) * took if took > LONG_SECONDS else began
        return result
