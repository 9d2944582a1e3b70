"""Signals to the service, acted on in a process of the test's own: its handlers and its mask are put back."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from leads_app.graceful_shutdown import SIGNALS, GracefulShutdown, hold_signals

TIMEOUT_SECONDS = 20.0


@pytest.fixture
def received() -> Iterator[list[int]]:
    """The signals that nobody but the process itself has handled."""
    numbers: list[int] = []
    before = {number: signal.signal(number, lambda number, _: numbers.append(number)) for number in SIGNALS}
    try:
        yield numbers
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_that_comes_before_the_server_serves_is_held_until_then(received: list[int]) -> None:
    shutdown = GracefulShutdown(delay=600)

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


def test_the_server_is_stopped_after_the_delay_once(received: list[int]) -> None:
    shutdown = GracefulShutdown(delay=0)

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
