"""Stop the service on SIGTERM, after load balancers have noticed."""

import asyncio
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SERVING_SECONDS = 0.1
"""How long the server takes, after the application has started, until it acts on signals."""


def hold_signals() -> None:
    """Block signals until the server serves: a worker of granian loses earlier ones, and would never end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


class GracefulShutdown:
    """On SIGTERM, makes the service not ready, and `delay` seconds later stops the server with SIGINT.

    In between, load balancers see that the service is not ready and send requests elsewhere. Each process has one:
    supervisors may signal all of them.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._begun = False

    def listen(self) -> None:
        """Handle SIGTERM in place of the server. Call it on the event loop of the main thread."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.begin)
        loop.call_later(SERVING_SECONDS, signal.pthread_sigmask, signal.SIG_UNBLOCK, SIGNALS)

    def begin(self) -> None:
        """Make the service not ready, and schedule the stop."""
        if not self._begun:
            self._begun = True
            asyncio.get_running_loop().call_later(self._delay, signal.raise_signal, signal.SIGINT)

    def has_begun(self) -> bool:
        """Return whether the service is about to stop."""
        return self._begun
