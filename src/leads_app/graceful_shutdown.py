"""Stop the service on SIGTERM, after a delay in which load balancers notice."""

import asyncio
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SERVING_SECONDS = 0.1
"""The time from the start of the application until the server handles signals."""


def hold_signals() -> None:
    """Block signals until the server handles them: a Granian worker loses earlier signals and never ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


class GracefulShutdown:
    """Handle SIGTERM: make the service not ready at once, and stop the server with SIGINT after `delay` seconds.

    During the delay, load balancers see that the service is not ready and send requests elsewhere. Each process has its
    own instance, because supervisors may signal all processes.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
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
            asyncio.get_running_loop().call_later(self._delay, signal.raise_signal, signal.SIGINT)

    def has_begun(self) -> bool:
        """Return whether the shutdown has begun."""
        return self._begun
