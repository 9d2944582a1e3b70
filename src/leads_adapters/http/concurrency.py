"""Limit the concurrent requests of a client: each can hold memory while the client is slow."""

from collections import Counter
from collections.abc import Mapping

from leads_adapters.http.problems import RETRY_LATER, RateLimited

PER_KEY = 512
"""The number of concurrent requests of one API key in a process."""

PER_ADDRESS = 256
"""The number of concurrent requests of one API key from one address, so that one client cannot block others."""


class ConcurrencyLimit:
    """Limit the concurrent requests of each client in this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_progress: Counter[str] = Counter()

    def acquire(self, client: str, headers: Mapping[str, str]) -> None:
        """Count a request until it is released. Raises `RateLimited`, with `headers`, if there are too many."""
        if self._in_progress[client] >= self._limit:
            detail = f"At most {self._limit} requests may be in progress at once. Wait for their responses."
            raise RateLimited(detail, headers={**headers, **RETRY_LATER})
        self._in_progress[client] += 1

    def release(self, client: str) -> None:
        """Stop counting a request."""
        self._in_progress[client] -= 1
        if not self._in_progress[client]:
            del self._in_progress[client]
