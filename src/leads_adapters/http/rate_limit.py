"""Limit the rate of requests with a token bucket for each client, stored as one number (GCRA).

Responses report what is left in the headers `RateLimit-Policy` and `RateLimit`
(draft-ietf-httpapi-ratelimit-headers-10) and `Retry-After` (RFC 9110).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from leads_adapters.http.problems import RateLimited

_CLIENTS_MAX = 50_000
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit of `requests` in `seconds`. A client may send all of them at once."""

    requests: int
    seconds: int


@dataclass(slots=True)
class RateLimiter:
    """Limit the rate of requests of each client in this process."""

    limit: RateLimit
    now: Callable[[], float] = monotonic
    _full_at: dict[str, float] = field(default_factory=dict, init=False)
    _clean_up_at: float = field(default=float("-inf"), init=False)
    _policy: str = field(init=False)

    def __post_init__(self) -> None:
        self._policy = f'"default";q={self.limit.requests};w={self.limit.seconds}'

    def count(self, client: str) -> Mapping[str, str]:
        """Count a request and return the headers that report what is left. Raises `RateLimited` if nothing is."""
        now = self.now()
        interval = self.limit.seconds / self.limit.requests
        full_at = max(self._full_at.get(client, now), now) + interval
        left = (self.limit.seconds - (full_at - now)) / interval
        if left < -_ROUNDING:
            wait = math.ceil((-left - _ROUNDING) * interval)
            detail = f"At most {self.limit.requests} requests in {self.limit.seconds} s are allowed. Wait {wait} s."
            raise RateLimited(
                detail, headers={"retry-after": str(wait), "cache-control": "no-store", **self._headers(0, wait)}
            )
        self._store(client, full_at, now)
        return self._headers(int(left + _ROUNDING), math.ceil(full_at - now))

    def _headers(self, left: int, seconds: int) -> Mapping[str, str]:
        return {"ratelimit-policy": self._policy, "ratelimit": f'"default";r={left};t={seconds}'}

    def _store(self, client: str, full_at: float, now: float) -> None:
        if now >= self._clean_up_at:
            # Drop the clients whose bucket is full again. This is slow: do it once in `seconds`.
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
            self._clean_up_at = now + self.limit.seconds
        self._full_at.pop(client, None)
        if len(self._full_at) >= _CLIENTS_MAX:
            del self._full_at[next(iter(self._full_at))]
        self._full_at[client] = full_at
