"""Questions of one turn of the event loop are answered together."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from leads_adapters.batch_loader import BatchLoader


class Oracle:
    """Answers every word with its length, but not a secret, and none at all if it is told so."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.error: Exception | None = None

    async def answer_all(self, words: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(words))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return {word: len(word) for word in words if word != "secret"}


def test_what_is_asked_in_one_turn_is_asked_once_and_answered_each() -> None:
    async def scenario() -> list[int | None]:
        oracle = Oracle()
        together = BatchLoader(oracle.answer_all)
        answers = await asyncio.gather(*map(together.ask, ["one", "three", "one", "secret"]))
        assert oracle.asked == [["one", "three", "secret"]]
        return answers

    assert asyncio.run(scenario()) == [3, 5, 3, None]


def test_what_is_asked_later_is_asked_anew() -> None:
    async def scenario() -> list[list[str]]:
        oracle = Oracle()
        together = BatchLoader(oracle.answer_all)
        first = asyncio.create_task(together.ask("one"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the question is with the oracle now
        await asyncio.gather(first, together.ask("one"))
        return oracle.asked

    assert asyncio.run(scenario()) == [["one"], ["one"]]


def test_everybody_who_asked_is_told_of_a_failure() -> None:
    async def scenario() -> list[object]:
        oracle = Oracle()
        oracle.error = OSError("away")
        together = BatchLoader(oracle.answer_all)
        failed = await asyncio.gather(together.ask("one"), together.ask("two"), return_exceptions=True)
        oracle.error = None
        return [*failed, await together.ask("three")]

    *failed, three = asyncio.run(scenario())
    assert [str(error) for error in failed] == ["away", "away"]
    assert three == 5


@pytest.mark.parametrize("fails", [False, True])
def test_whoever_hangs_up_takes_nobody_with_him(fails: bool) -> None:
    async def scenario() -> object:
        oracle = Oracle()
        oracle.error = OSError("away") if fails else None
        together = BatchLoader(oracle.answer_all)
        gone, waits = (asyncio.create_task(together.ask("one")) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        (answer,) = await asyncio.gather(waits, return_exceptions=True)
        assert gone.cancelled()
        return answer

    assert str(asyncio.run(scenario())) == ("away" if fails else "3")
