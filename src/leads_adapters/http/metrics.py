"""The resource /metrics."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.single_flight import SingleFlightCache
from leads_domain.access import Permission
from leads_domain.follow_up import Backlog
from leads_domain.sources import Clock
from leads_domain.use_cases.find_follow_ups import read_backlog

_Text = Annotated[
    str,
    Meta(
        description="The text format of Prometheus, version 0.0.4.",
        examples=['# TYPE leads_follow_ups_due gauge\nleads_follow_ups_due{channel="log"} 0.0\n'],
    ),
]
_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsRoutes:
    """Tells Prometheus what this process has counted, as `text` writes it, and how many follow-ups wait.

    To count a million of these takes 0.12 s; what takes long is shared.
    """

    def __init__(
        self, database: Database, clock: Clock, text: Callable[[Mapping[str, Backlog], datetime], bytes]
    ) -> None:
        self._clock = clock
        self._text = text
        self._backlog = SingleFlightCache(lambda: database.read_long(read_backlog, clock.now()))

    @operation(
        method="GET",
        path="/metrics",
        tag="Metrics",
        permission=Permission.READ,
        replies={200: Reply(means="The numbers.", schema=_Text, media_type=_MEDIA_TYPE)},
    )
    async def show(self, _: Call) -> Answer:
        """Get metrics, in the text format of Prometheus.

        Requests by method, route and status, and the time that they took; follow-ups that wait and are due, by channel;
        deliveries by channel and outcome; the size of commits. Each process counts for itself, under its `pid`.
        """
        backlog = await self._backlog.get()
        body = await asyncio.to_thread(self._text, backlog, self._clock.now())
        return Answer(body, media_type=_MEDIA_TYPE.encode())
