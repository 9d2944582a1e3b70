"""Statistics and metrics."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from litestar import Controller, Response, get
from msgspec import Meta

from leads_adapters.http.authentication import requires
from leads_adapters.http.dependencies import Injected
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.statistics import StatisticsView, statistics_view
from leads_adapters.single_flight import SingleFlightCache
from leads_domain.access import Permission
from leads_domain.follow_up import Backlog
from leads_domain.sources import Clock
from leads_domain.statistics import Statistics

Backlogs = Mapping[str, Backlog]
MetricsText = Callable[[Backlogs, datetime], bytes]
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Exposition = Annotated[
    str,
    Meta(
        description="The text format of Prometheus, version 0.0.4.",
        examples=['# TYPE leads_follow_ups_due gauge\nleads_follow_ups_due{channel="log"} 0.0\n'],
    ),
]


class StatisticsController(Controller):
    """The resource `/statistics`."""

    path = "/statistics"
    tags = ("Statistics",)

    @get(opt=requires(Permission.READ), response_description="The numbers of this moment.")
    async def get_statistics(self, statistics: Injected[SingleFlightCache[Statistics]]) -> Response[StatisticsView]:
        """Get statistics.

        Leads by status and by source, conversions, overdue follow-ups, the time to the first contact. Numbers that
        take longer than 0.2 s to count are served for ten times as long; `at` is when they were counted.
        """
        return JsonResponse(statistics_view(await statistics.get()))


class MetricsController(Controller):
    """The resource `/metrics`, for Prometheus."""

    path = "/metrics"
    tags = ("Metrics",)

    @get(media_type=MEDIA_TYPE, opt=requires(Permission.READ), response_description="The numbers.")
    async def get_metrics(
        self,
        metrics_text: Injected[MetricsText],
        backlog: Injected[SingleFlightCache[Backlogs]],
        clock: Injected[Clock],
    ) -> Response[Exposition]:
        """Get metrics, in the text format of Prometheus.

        Requests by method, route and status, and the time that they took; follow-ups that wait and are due, by channel;
        deliveries by channel and outcome; the size of commits. Each process counts for itself, under its `pid`.
        """
        body = await asyncio.to_thread(metrics_text, await backlog.get(), clock.now())
        return Response(body.decode(), headers={"content-type": MEDIA_TYPE})
