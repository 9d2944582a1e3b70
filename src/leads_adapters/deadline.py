"""Limit the time of a whole attempt.

The time-out of a socket limits single reads only. It does not limit a slow resolver, a host with many addresses that
are tried one after another, or a peer that sends one byte at a time.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Lock, Thread
from typing import TypeVar

T = TypeVar("T")


class Deadline:
    """A time limit of `seconds` for one attempt."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._has_ended = False
        self._connection: socket | None = None
        self._lock = Lock()

    def run(self, work: Callable[[], T]) -> T:
        """Return the result of `work`, or raise its error; raise `TimeoutError` after the time limit.

        `work` runs in a separate thread, because nothing can interrupt a resolver. After the time limit, its next use
        of the network fails.
        """
        outcome: Future[T] = Future()
        Thread(target=_set_outcome, args=(outcome, work), daemon=True).start()
        try:
            return outcome.result(self.seconds)
        finally:
            self._end()

    def watch(self, connection: socket) -> None:
        """Shut this connection down at the time limit or the end of `work`."""
        with self._lock:
            if self._has_ended:
                connection.close()
                raise TimeoutError
            # A duplicate: TLS takes the socket over, and the descriptor of a closed socket may be reused.
            self._connection = connection.dup()

    def _end(self) -> None:
        with self._lock:
            self._has_ended = True
            if self._connection is not None:
                with suppress(OSError), self._connection:
                    self._connection.shutdown(SHUT_RDWR)


def _set_outcome(outcome: Future[T], work: Callable[[], T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001 - `run` raises it
        outcome.set_exception(error)
