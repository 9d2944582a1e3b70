"""The resource /metrics."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Annotated

from msgspec import Meta

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_domain.access import Permission
from leads_domain.follow_up import Backlog
from leads_domain.sources import Clock
from leads_domain.use_cases.find_follow_ups import read_backlog

CACHED_SECONDS = 5.0
"""For how long the numbers of the queue are told again: it takes 0.12 s to count a million."""

_Text = Annotated[
    str,
    Meta(
        description="The text format of Prometheus, version 0.0.4.",
        examples=['# TYPE leads_follow_ups_due gauge\nleads_follow_ups_due{channel="log"} 0.0\n'],
    ),
]
_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class MetricsRoutes:
    """Tells Prometheus what this process has counted, as `text` writes it, and how many follow-ups wait."""

    database: Database
    clock: Clock
    text: Callable[[Mapping[str, Backlog], datetime], bytes]
    _backlog: Mapping[str, Backlog] = field(default_factory=dict, init=False)
    _good_until: float = field(default=float("-inf"), init=False)

    @operation(
        method="GET",
        path="/metrics",
        tag="Metrics",
        permission=Permission.READ,
        replies={200: Reply(means="The numbers.", schema=_Text, media_type=_MEDIA_TYPE)},
    )
    async def show(self, _: Call) -> Answer:
        """Answer the service's numbers in the text format of Prometheus.

        Requests by method, route and status, and the time that they took; follow-ups that wait and are due, by channel;
        deliveries by channel and outcome; the size of commits. Each process counts for itself, under its `pid`.
        """
        now = self.clock.now()
        if monotonic() >= self._good_until:
            self._backlog = await self.database.read_long(read_backlog, now)
            self._good_until = monotonic() + CACHED_SECONDS
        body = await asyncio.to_thread(self.text, self._backlog, now)
        return Answer(body, media_type=_MEDIA_TYPE.encode())
