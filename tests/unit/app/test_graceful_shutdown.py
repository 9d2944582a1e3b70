"""Test the graceful shutdown after a signal. The signal handlers and the mask are restored."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from leads_app import graceful_shutdown
from leads_app.graceful_shutdown import SIGNALS, GracefulShutdown, hold_signals

TIMEOUT_SECONDS = 20.0


@pytest.fixture
def received() -> Iterator[list[int]]:
    """Return the signals that reach the previous handlers of the process."""
    numbers: list[int] = []
    previous = {number: signal.signal(number, lambda number, _: numbers.append(number)) for number in SIGNALS}
    try:
        yield numbers
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for number, handler in previous.items():
            signal.signal(number, handler)


async def cut_off_nothing() -> None:
    pass


def test_a_signal_during_the_start_is_handled_after_it(received: list[int]) -> None:
    shutdown = GracefulShutdown(600, cut_off_nothing)

    async def serve() -> None:
        shutdown.listen()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not shutdown.has_begun():
                await asyncio.sleep(0)

    hold_signals()
    signal.raise_signal(signal.SIGTERM)
    assert received == []
    asyncio.run(serve())
    assert received == []


def test_the_server_is_stopped_once_after_the_delay(received: list[int]) -> None:
    shutdown = GracefulShutdown(0, cut_off_nothing)

    async def stop_twice() -> None:
        shutdown.begin()
        shutdown.begin()
        assert shutdown.has_begun()
        assert received == []
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not received:
                await asyncio.sleep(0)

    assert not shutdown.has_begun()
    asyncio.run(stop_twice())
    assert received == [signal.SIGINT]


def test_requests_are_cut_off_when_their_time_is_over(received: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graceful_shutdown, "CUT_OFF_SECONDS", 0.001)

    async def stop() -> list[int]:
        cut_off: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

        async def note() -> None:
            cut_off.set_result([*received])

        GracefulShutdown(0, note).begin()
        return await asyncio.wait_for(cut_off, TIMEOUT_SECONDS)

    assert asyncio.run(stop()) == [signal.SIGINT]
