"""Test that lookups of one turn of the event loop run as one."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from leads_adapters.batch_loader import BatchLoader


class Lengths:
    """Load the length of every word except "secret", or raise `error`."""

    def __init__(self) -> None:
        self.loaded: list[list[str]] = []
        self.error: Exception | None = None

    async def load_all(self, words: Sequence[str]) -> Mapping[str, int]:
        self.loaded.append(list(words))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return {word: len(word) for word in words if word != "secret"}


def test_each_key_of_a_turn_is_loaded_once_for_all_its_callers() -> None:
    async def scenario() -> list[int | None]:
        lengths = Lengths()
        loader = BatchLoader(lengths.load_all)
        results = await asyncio.gather(*map(loader.load, ["one", "three", "one", "secret"]))
        assert lengths.loaded == [["one", "three", "secret"]]
        return results

    assert asyncio.run(scenario()) == [3, 5, 3, None]


def test_a_key_of_a_later_turn_is_loaded_again() -> None:
    async def scenario() -> list[list[str]]:
        lengths = Lengths()
        loader = BatchLoader(lengths.load_all)
        first = asyncio.create_task(loader.load("one"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the load has started
        await asyncio.gather(first, loader.load("one"))
        return lengths.loaded

    assert asyncio.run(scenario()) == [["one"], ["one"]]


def test_every_caller_gets_the_error() -> None:
    async def scenario() -> list[object]:
        lengths = Lengths()
        lengths.error = OSError("unavailable")
        loader = BatchLoader(lengths.load_all)
        failed = await asyncio.gather(loader.load("one"), loader.load("two"), return_exceptions=True)
        lengths.error = None
        return [*failed, await loader.load("three")]

    *failed, three = asyncio.run(scenario())
    assert [str(error) for error in failed] == ["unavailable", "unavailable"]
    assert three == 5


@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_caller_does_not_cancel_others(fails: bool) -> None:
    async def scenario() -> object:
        lengths = Lengths()
        lengths.error = OSError("unavailable") if fails else None
        loader = BatchLoader(lengths.load_all)
        cancelled, waiting = (asyncio.create_task(loader.load("one")) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        (result,) = await asyncio.gather(waiting, return_exceptions=True)
        assert cancelled.cancelled()
        return result

    assert str(asyncio.run(scenario())) == ("unavailable" if fails else "3")
