"""Count events of this process, and report them to Prometheus.

Counters are plain numbers that only the event loop changes: the thread-safe ones of prometheus-client are slower. The
library only renders the text, and is imported when a scrape needs it.
"""

import os
import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from leads_domain.follow_up import Backlog
from leads_domain.mail_submission import is_mailbox
from leads_domain.use_cases.count_waiting import Waiting

if TYPE_CHECKING:
    from prometheus_client import Metric

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


class Distribution:
    """A histogram: the number of values up to each bound, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def totals(self) -> tuple[list[tuple[str, float]], float]:
        """Return the number of values up to each bound, and the sum of all values."""
        bounds = (*map(str, self._bounds), "+Inf")
        return list(zip(bounds, accumulate(self._counts), strict=True)), self._sum


@dataclass(slots=True)
class Metrics:
    """Counts requests, deliveries and commits of this process. `log_size` returns the bytes of SQLite's log.

    The counters have the label `pid`: with several processes on one port, any of them may answer a scrape.
    """

    version: str
    database: str
    channels: Collection[str]
    log_size: Callable[[], int] | None = None
    _requests: dict[tuple[str, str | None, int], Distribution] = field(default_factory=dict, init=False)
    _deliveries: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    mail: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    _mailboxes_up: dict[str, bool] = field(default_factory=dict, init=False)
    _commits: Distribution = field(default_factory=lambda: Distribution(_SIZES), init=False)

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request with a response. `route` is None if no route matched. `method` is one of a few."""
        label_values = (method, route, status)
        durations = self._requests.get(label_values)
        if durations is None:
            durations = self._requests[label_values] = Distribution(_SECONDS)
        durations.add(seconds)

    def delivery(self, channel: str, outcome: str) -> None:
        """Count an attempt to send a follow-up."""
        self._deliveries[channel, outcome] += 1

    def processed(self, origin: str, outcome: str) -> None:
        """Count a processed submission, if it is the message of a mailbox."""
        if is_mailbox(origin):
            self.mail[origin.partition(":")[2], outcome] += 1

    def repeated_mail(self, mailbox: str, number: int) -> None:
        """Count messages of a mailbox that were stored before."""
        self.mail[mailbox, "repeated"] += number

    def mailbox_state(self, mailbox: str, is_up: bool) -> None:
        """Note whether the last look at a mailbox was successful."""
        self._mailboxes_up[mailbox] = is_up

    def commit(self, size: int) -> None:
        """Count a commit with `size` units of work."""
        self._commits.add(size)

    def text(self, waiting: Waiting, now: datetime) -> bytes:
        """Return all metrics in the text format of Prometheus. Any thread may call this."""
        from prometheus_client import generate_latest  # noqa: PLC0415 - slow to import

        return generate_latest(_Collector([*self._process_metrics(), *self._queue_metrics(waiting, now)]))

    def _process_metrics(self) -> Iterator["Metric"]:
        from prometheus_client.core import (  # noqa: PLC0415
            CounterMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
        )

        pid = str(os.getpid())
        build = {"version": self.version, "python": platform.python_version(), "database": self.database}
        yield InfoMetricFamily("leads_build", "The version of leads and of Python, and the kind of database.", build)
        requests = HistogramMetricFamily(
            "leads_http_request_duration_seconds",
            "Time from the arrival of a request until its response was sent.",
            labels=("method", "route", "status", "pid"),
        )
        for (method, route, status), durations in list(self._requests.items()):
            template = "none" if route is None else route.replace(":str", "")
            requests.add_metric((method, template, str(status), pid), *durations.totals())
        yield requests
        deliveries = CounterMetricFamily(
            "leads_deliveries",
            "Attempts to send a follow-up or a digest, by outcome.",
            labels=("channel", "outcome", "pid"),
        )
        for (channel, outcome), number in list(self._deliveries.items()):
            deliveries.add_metric((channel, outcome, pid), number)
        yield deliveries
        yield from self._mail_metrics(pid)
        commits = HistogramMetricFamily("leads_commit_size", "Units of work in one commit.", labels=("pid",))
        commits.add_metric((pid,), *self._commits.totals())
        yield commits

    def _mail_metrics(self, pid: str) -> Iterator["Metric"]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

        messages = CounterMetricFamily(
            "leads_mail_messages", "Messages from mailboxes, by outcome.", labels=("mailbox", "outcome", "pid")
        )
        for (mailbox, outcome), number in list(self.mail.items()):
            messages.add_metric((mailbox, outcome, pid), number)
        yield messages
        mailboxes = GaugeMetricFamily(
            "leads_mailbox_up", "1 if the last look at the mailbox was successful, else 0.", labels=("mailbox", "pid")
        )
        for mailbox, is_up in list(self._mailboxes_up.items()):
            mailboxes.add_metric((mailbox, pid), is_up)
        yield mailboxes

    def _queue_metrics(self, waiting: Waiting, now: datetime) -> Iterator["Metric"]:
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        labels = ("channel",)
        scheduled = GaugeMetricFamily("leads_follow_ups_scheduled", "Scheduled follow-ups.", labels=labels)
        due = GaugeMetricFamily(
            "leads_follow_ups_due", "Scheduled follow-ups whose next attempt is due or running.", labels=labels
        )
        oldest = GaugeMetricFamily(
            "leads_follow_ups_oldest_due_seconds",
            "Seconds since the oldest of the due attempts became due.",
            labels=labels,
        )
        for channel in sorted({*self.channels, *waiting.follow_ups}):
            statistics = waiting.follow_ups.get(channel, Backlog(scheduled=0, due=0, next_attempt_at=now))
            scheduled.add_metric((channel,), statistics.scheduled)
            due.add_metric((channel,), statistics.due)
            oldest.add_metric((channel,), max((now - statistics.next_attempt_at).total_seconds(), 0.0))
        yield from (scheduled, due, oldest)
        yield GaugeMetricFamily("leads_submissions_needs_review", "Submissions that need a review.", waiting.reviews)
        tasks = GaugeMetricFamily("leads_tasks", "Tasks, by state.", labels=("state",))
        for state, number in waiting.tasks.items():
            tasks.add_metric((state,), number)
        yield tasks
        yield GaugeMetricFamily("leads_tasks_overdue", "Open tasks past their due time.", waiting.overdue_tasks)
        yield GaugeMetricFamily("leads_digests_failed", "Failed digests of the last 7 days.", waiting.failed_digests)
        if self.log_size is not None:
            yield GaugeMetricFamily("leads_sqlite_log_bytes", "Bytes of SQLite's write-ahead log.", self.log_size())


@dataclass(frozen=True, slots=True)
class _Collector:
    """The collector that prometheus-client reads."""

    metrics: Sequence["Metric"]

    def collect(self) -> Sequence["Metric"]:
        return self.metrics
