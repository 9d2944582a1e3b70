"""Collect the lookups of one turn of the event loop and run them as one, like DataLoader."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")
ResultT = TypeVar("ResultT")


class BatchLoader(Generic[KeyT, ResultT]):
    """Loads all keys of one turn of the event loop together. Nothing is cached.

    The result of an unknown key is None.
    """

    def __init__(self, load_all: Callable[[Sequence[KeyT]], Awaitable[Mapping[KeyT, ResultT]]]) -> None:
        self._load_all = load_all
        self._waiting: list[tuple[KeyT, asyncio.Future[ResultT | None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, key: KeyT) -> ResultT | None:
        """Return the result for a key, or None. Raises what `load_all` raises."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            task = loop.create_task(self._load_batch())
            self._tasks.add(task)  # the event loop holds only a weak reference
            task.add_done_callback(self._tasks.discard)
        result: asyncio.Future[ResultT | None] = loop.create_future()
        self._waiting.append((key, result))
        return await result

    async def _load_batch(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            results = await self._load_all(list({key: None for key, _ in batch}))
        except Exception as error:  # noqa: BLE001 - every caller gets it
            for _, result in batch:
                if not result.done():
                    result.set_exception(error)
        else:
            for key, result in batch:
                if not result.done():  # the caller was cancelled
                    result.set_result(results.get(key))
