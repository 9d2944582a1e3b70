"""Limits the rate of requests: a token bucket for each caller, kept as one number (GCRA).

Clients learn what is left from the headers `RateLimit-Policy` and `RateLimit` of the IETF's draft
draft-ietf-httpapi-ratelimit-headers-10, and in `Retry-After` (RFC 9110).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from leads_adapters.http.problems import RateLimited

_CALLERS_MAX = 50_000
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests` at once if the caller likes, and as many again in the course of every `seconds`."""

    requests: int
    seconds: int


@dataclass(slots=True)
class RateLimiter:
    """Counts the requests of every caller in this process against one limit."""

    limit: RateLimit
    now: Callable[[], float] = monotonic
    _full_at: dict[str, float] = field(default_factory=dict, init=False)
    _tidy_at: float = field(default=float("-inf"), init=False)
    _policy: str = field(init=False)

    def __post_init__(self) -> None:
        self._policy = f'"default";q={self.limit.requests};w={self.limit.seconds}'

    def admit(self, caller: str) -> Mapping[str, str]:
        """Count a request and return the headers that say what is left; raises `RateLimited` if nothing is."""
        now = self.now()
        interval = self.limit.seconds / self.limit.requests
        full_at = max(self._full_at.get(caller, now), now) + interval
        left = (self.limit.seconds - (full_at - now)) / interval
        if left < -_ROUNDING:
            wait = math.ceil((-left - _ROUNDING) * interval)
            detail = f"At most {self.limit.requests} requests in {self.limit.seconds} s are allowed. Wait {wait} s."
            raise RateLimited(
                detail, headers={"retry-after": str(wait), "cache-control": "no-store", **self._headers(0, wait)}
            )
        self._keep(caller, full_at, now)
        return self._headers(int(left + _ROUNDING), math.ceil(full_at - now))

    def _headers(self, left: int, seconds: int) -> Mapping[str, str]:
        return {"ratelimit-policy": self._policy, "ratelimit": f'"default";r={left};t={seconds}'}

    def _keep(self, caller: str, full_at: float, now: float) -> None:
        if now >= self._tidy_at:
            # A caller whose bucket is full again is unknown. Now and then only: it takes milliseconds.
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
            self._tidy_at = now + self.limit.seconds
        self._full_at.pop(caller, None)
        if len(self._full_at) >= _CALLERS_MAX:
            del self._full_at[next(iter(self._full_at))]
        self._full_at[caller] = full_at
