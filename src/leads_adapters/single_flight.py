"""Share slow computations between callers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

ResultT = TypeVar("ResultT")

SLOW_SECONDS = 0.2
"""The time after which a computation counts as slow. Its result is then reused for a while."""

REUSE_FACTOR = 10
"""The time that a slow result is reused, in multiples of its computation time. This limits the load to a tenth."""


class SingleFlightCache(Generic[ResultT]):
    """Computes a result once for all callers that wait for it. A slow result is also reused for a while."""

    def __init__(
        self, compute: Callable[[], Awaitable[ResultT]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._compute = compute
        self._monotonic = monotonic
        self._result: asyncio.Future[ResultT] | None = None
        self._expires_at = float("-inf")

    async def get(self) -> ResultT:
        """Return the result. Raises what `compute` raises."""
        if self._result is None or (self._result.done() and self._monotonic() >= self._expires_at):
            self._result = asyncio.ensure_future(self._compute_and_time())
        return await asyncio.shield(self._result)  # a cancelled caller does not cancel the computation for others

    async def _compute_and_time(self) -> ResultT:
        started_at = self._monotonic()
        result = await self._compute()
        duration = self._monotonic() - started_at
        self._expires_at = started_at + (1 + REUSE_FACTOR) * duration if duration > SLOW_SECONDS else started_at
        return result
