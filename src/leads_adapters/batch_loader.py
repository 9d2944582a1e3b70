"""Questions that are asked in the same turn of the event loop, and answered together."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
ResultT = TypeVar("ResultT")


class BatchLoader(Generic[Question, ResultT]):
    """Hands all questions of a turn over at once, each of them once, at the end of the turn.

    So no answer is older than its question. A question that gets no answer is answered with None.
    """

    def __init__(self, answer_all: Callable[[Sequence[Question]], Awaitable[Mapping[Question, ResultT]]]) -> None:
        self._answer_all = answer_all
        self._waiting: list[tuple[Question, asyncio.Future[ResultT | None]]] = []
        self._answering: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> ResultT | None:
        """The answer; raises what `answer_all` raises."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            task = loop.create_task(self._answer_those_that_wait())
            self._answering.add(task)  # the loop itself keeps no hold of it
            task.add_done_callback(self._answering.discard)
        answer: asyncio.Future[ResultT | None] = loop.create_future()
        self._waiting.append((question, answer))
        return await answer

    async def _answer_those_that_wait(self) -> None:
        asked, self._waiting = self._waiting, []
        try:
            answers = await self._answer_all(list({question: None for question, _ in asked}))
        except Exception as error:  # noqa: BLE001 - everybody who asked is told
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
        else:
            for question, answer in asked:
                if not answer.done():  # whoever hung up wants none
                    answer.set_result(answers.get(question))
