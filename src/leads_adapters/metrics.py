"""Count what happens in this process, and report it to Prometheus.

Counting is a look-up and an addition, on the event loop alone: the counters of prometheus-client, made for threads,
take several times as long. The library writes the text, and is not loaded before that is asked for.
"""

import os
import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from leads_domain.follow_up import Backlog

if TYPE_CHECKING:
    from prometheus_client import Metric

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Distribution:
    """How many values there were up to each of some bounds, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count one more value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def totals(self) -> tuple[list[tuple[str, float]], float]:
        """Return the number of values up to each bound, and the sum of all."""
        bounds = (*map(str, self._bounds), "+Inf")
        return list(zip(bounds, accumulate(self._counts), strict=True)), self._sum


@dataclass(slots=True)
class Metrics:
    """Counts what happens in this process, on this kind of database and with these channels configured.

    What is counted has the label `pid`: of several processes behind one port, a scrape meets any.
    """

    version: str
    database: str
    channels: Collection[str]
    _requests: dict[tuple[str, str | None, int], Distribution] = field(default_factory=dict, init=False)
    _deliveries: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    _commits: Distribution = field(default_factory=lambda: Distribution(_SIZES), init=False)

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request that was answered. One that led nowhere has no route."""
        spent = self._requests.get((method, route, status))
        if spent is None:
            # A client can make up any method, but cannot have us keep it.
            known = (method if method in _METHODS else "other", route, status)
            spent = self._requests.setdefault(known, Distribution(_SECONDS))
        spent.add(seconds)

    def delivery(self, channel: str, outcome: str) -> None:
        """Count an attempt to send a follow-up."""
        self._deliveries[channel, outcome] += 1

    def commit(self, size: int) -> None:
        """Count a commit of so many units of work."""
        self._commits.add(size)

    def text(self, backlog: Mapping[str, Backlog], now: datetime) -> bytes:
        """Everything that was counted, and what waits by channel, in the text format of Prometheus; in any thread."""
        from prometheus_client import generate_latest  # noqa: PLC0415 - see above

        return generate_latest(_Collected([*self._counted(), *self._waiting(backlog, now)]))

    def _counted(self) -> Iterator["Metric"]:
        from prometheus_client.core import (  # noqa: PLC0415
            CounterMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
        )

        pid = str(os.getpid())
        build = {"version": self.version, "python": platform.python_version(), "database": self.database}
        yield InfoMetricFamily("leads_build", "What runs.", build)
        requests = HistogramMetricFamily(
            "leads_http_request_duration_seconds",
            "How long requests took, from their arrival until their answer was sent.",
            labels=("method", "route", "status", "pid"),
        )
        for (method, route, status), spent in list(self._requests.items()):
            template = "none" if route is None else route.replace(":str", "")
            requests.add_metric((method, template, str(status), pid), *spent.totals())
        yield requests
        deliveries = CounterMetricFamily(
            "leads_deliveries",
            "Attempts to send a follow-up, by what became of them.",
            labels=("channel", "outcome", "pid"),
        )
        for (channel, outcome), number in list(self._deliveries.items()):
            deliveries.add_metric((channel, outcome, pid), number)
        yield deliveries
        commits = HistogramMetricFamily(
            "leads_commit_size", "Units of work that one commit made durable.", labels=("pid",)
        )
        commits.add_metric((pid,), *self._commits.totals())
        yield commits

    def _waiting(self, backlog: Mapping[str, Backlog], now: datetime) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        labels = ("channel",)
        scheduled = GaugeMetricFamily(
            "leads_follow_ups_scheduled", "Follow-ups that are still to be sent.", labels=labels
        )
        due = GaugeMetricFamily("leads_follow_ups_due", "Those whose attempt is due, or under way.", labels=labels)
        oldest = GaugeMetricFamily(
            "leads_follow_ups_oldest_due_seconds",
            "For how long the attempt of one of them has been due.",
            labels=labels,
        )
        for channel in sorted({*self.channels, *backlog}):
            waiting = backlog.get(channel, Backlog(scheduled=0, due=0, next_attempt_at=now))
            scheduled.add_metric((channel,), waiting.scheduled)
            due.add_metric((channel,), waiting.due)
            oldest.add_metric((channel,), max((now - waiting.next_attempt_at).total_seconds(), 0.0))
        yield from (scheduled, due, oldest)


@dataclass(frozen=True, slots=True)
class _Collected:
    """What prometheus-client takes the numbers from."""

    found: Sequence["Metric"]

    def collect(self) -> Sequence["Metric"]:
        return self.found
