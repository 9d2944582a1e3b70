"""How many requests one caller may have under way at once: each can hold memory for as long as its client is slow."""

from collections import Counter
from contextlib import ExitStack

from leads_adapters.http.problems import RETRY_LATER, Problem

PER_KEY = 512
"""Requests of one key that are under way at once in a process."""

PER_ADDRESS = 256
"""Requests of one key from one address: fewer, so that one client cannot use up a public key alone."""


class ConcurrencyLimit:
    """Counts the requests that each caller has under way in this process, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way: Counter[str] = Counter()

    def enter(self, caller: str, until: ExitStack) -> None:
        """Count a request until the stack is closed; raises `Problem` if the caller has too many."""
        if self._under_way[caller] >= self._limit:
            detail = f"At most {self._limit} requests of one caller are carried out at once; wait for their responses."
            raise Problem("rate-limited", detail, headers=(RETRY_LATER,))
        self._under_way[caller] += 1
        until.callback(self._leave, caller)

    def _leave(self, caller: str) -> None:
        self._under_way[caller] -= 1
        if not self._under_way[caller]:
            del self._under_way[caller]
