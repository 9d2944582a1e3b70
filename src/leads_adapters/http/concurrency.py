"""Limits the requests that one caller has under way at once: each can hold memory while its client is slow."""

from collections import Counter
from collections.abc import Mapping

from leads_adapters.http.problems import RETRY_LATER, RateLimited

PER_KEY = 512
"""Requests of one key that are under way at once in a process."""

PER_ADDRESS = 256
"""Requests of one key from one address: fewer, so that one client cannot use up a public key alone."""


class ConcurrencyLimit:
    """Counts the requests that each caller has under way in this process, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way: Counter[str] = Counter()

    def acquire(self, caller: str, headers: Mapping[str, str]) -> None:
        """Count a request until it is released; raises `RateLimited`, with `headers`, if there are too many."""
        if self._under_way[caller] >= self._limit:
            detail = f"At most {self._limit} requests may be in progress at once. Wait for their responses."
            raise RateLimited(detail, headers={**headers, **RETRY_LATER})
        self._under_way[caller] += 1

    def release(self, caller: str) -> None:
        """Count a request no more."""
        self._under_way[caller] -= 1
        if not self._under_way[caller]:
            del self._under_way[caller]
