"""Stop the service on SIGTERM, after a delay in which load balancers notice."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)

CUT_OFF_SECONDS = 7.5
"""The time for running requests, from the stop of the server: a little less than it has until the process ends."""

SERVING_SECONDS = 0.1
"""The time from the start of the application until the server handles signals."""


def hold_signals() -> None:
    """Block signals until the server handles them: a Granian worker loses earlier signals and never ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


class GracefulShutdown:
    """Handle SIGTERM: make the service not ready at once, and stop the server with SIGINT after `delay` seconds.

    Then `cut_off` responds to the requests that are not complete in time.

    During the delay, load balancers see that the service is not ready and send requests elsewhere. Each process has its
    own instance, because supervisors may signal all processes.
    """

    def __init__(self, delay: float, cut_off: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._delay = delay
        self._cut_off = cut_off
        self._cutting_off: asyncio.Task[None] | None = None
        self._begun = False

    def listen(self) -> None:
        """Handle SIGTERM instead of the server. Call this on the event loop of the main thread."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.begin)
        loop.call_later(SERVING_SECONDS, signal.pthread_sigmask, signal.SIG_UNBLOCK, SIGNALS)

    def begin(self) -> None:
        """Make the service not ready, and schedule the stop."""
        if not self._begun:
            self._begun = True
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay, signal.raise_signal, signal.SIGINT)
            loop.call_later(self._delay + CUT_OFF_SECONDS, self._begin_cut_off)

    def _begin_cut_off(self) -> None:
        self._cutting_off = asyncio.create_task(self._cut_off())

    def has_begun(self) -> bool:
        """Return whether the shutdown has begun."""
        return self._begun
