"""How the service stops when a supervisor asks it to."""

import asyncio
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)

SERVING_SECONDS = 0.1
"""How long after the application has started its server serves, and acts on signals."""


def hold_signals() -> None:
    """Hold signals back until the server serves: a worker of granian forgets those that come before, and never ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


class GracefulShutdown:
    """Makes of a SIGTERM an announcement, and `delay` seconds later a SIGINT, at which the server stops at once.

    In between, whoever asks whether the service is ready is told that it is not, so that load balancers send their
    requests elsewhere before it accepts no more. It is for each process: supervisors may signal all of them.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._begun = False

    def listen(self) -> None:
        """Act on SIGTERM from now on, in place of the server; must be called on the event loop of the main thread."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.begin)
        loop.call_later(SERVING_SECONDS, signal.pthread_sigmask, signal.SIG_UNBLOCK, SIGNALS)

    def begin(self) -> None:
        """Announce the stop, and have it follow."""
        if not self._begun:
            self._begun = True
            asyncio.get_running_loop().call_later(self._delay, signal.raise_signal, signal.SIGINT)

    def has_begun(self) -> bool:
        """Whether the service is about to stop."""
        return self._begun
