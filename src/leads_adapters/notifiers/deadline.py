"""A bound on a whole attempt.

The time-outs of sockets bound one read each. A resolver that waits, a host with many addresses that are tried one
after the other, and a peer that sends a byte now and then take as long as they like.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Lock, Thread
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """So many seconds for one attempt, with all that it does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._over = False
        self._connection: socket | None = None
        self._lock = Lock()

    def run(self, work: Callable[[], T]) -> T:
        """What `work` answers or raises; `TimeoutError` when the time is over.

        `work` has a thread of its own, since nothing interrupts a resolver. A late one gets no further than its next
        use of the network.
        """
        outcome: Future[T] = Future()
        Thread(target=_settle, args=(outcome, work), daemon=True).start()
        try:
            return outcome.result(self.seconds)
        finally:
            self._end()

    def watch(self, connection: socket) -> None:
        """Shut this connection down when the time is over, and when `work` is done."""
        with self._lock:
            if self._over:
                connection.close()
                raise TimeoutError
            # One's own duplicate: TLS takes the socket over, and a number that was closed may soon be another's.
            self._connection = connection.dup()

    def _end(self) -> None:
        with self._lock:
            self._over = True
            if self._connection is not None:
                with suppress(OSError), self._connection:
                    self._connection.shutdown(SHUT_RDWR)


def _settle(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is awaited
        outcome.set_exception(error)
