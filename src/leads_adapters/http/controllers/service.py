"""The service itself: its health, pipeline, statistics and metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Annotated

from litestar import Controller, Response, get
from msgspec import Meta

from leads_adapters.http import problems
from leads_adapters.http.authentication import PUBLIC, requires
from leads_adapters.http.parameters import Injected
from leads_adapters.http.problems import RETRY_LATER
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.service import CountView, Health, PipelineView, StatisticsView, pipeline_view
from leads_adapters.single_flight import SingleFlightCache
from leads_domain.access import Permission
from leads_domain.follow_up import Backlog
from leads_domain.pipeline import Pipeline
from leads_domain.sources import Clock
from leads_domain.statistics import Statistics

CACHED_SECONDS = 1.0
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


@dataclass(slots=True)
class Readiness:
    """Checks whether the service can do its work. `check_database` raises `Unavailable` if not."""

    check_database: Callable[[], Awaitable[None]]
    is_stopping: Callable[[], bool]
    now: Callable[[], float] = monotonic
    cached_seconds: float = CACHED_SECONDS
    _good_until: float = field(default=float("-inf"), init=False)

    async def check(self) -> None:
        """Raise `Unavailable` if the service stops or the database does not work; success is cached for a second."""
        if self.is_stopping():
            raise problems.Unavailable("The service is shutting down.", headers=RETRY_LATER)
        if self.now() >= self._good_until:
            await self.check_database()
            self._good_until = self.now() + self.cached_seconds


class HealthController(Controller):
    """The resources `/health/live` and `/health/ready`."""

    path = "/health"
    tags = ("Health",)

    @get("/live", opt=PUBLIC)
    async def get_liveness(self) -> Response[Health]:
        """Check that the process answers."""
        return JsonResponse(Health())

    @get("/ready", opt=PUBLIC, raises=[problems.Unavailable])
    async def get_readiness(self, readiness: Injected[Readiness]) -> Response[Health]:
        """Check that the service is ready.

        The database answers, has the right schema and takes writes, and the service is not about to stop. Success
        of the database check is cached for one second. After a write has failed, each check tries one, once a second.
        """
        await readiness.check()
        return JsonResponse(Health())


class PipelineController(Controller):
    """The resource `/pipeline`."""

    path = "/pipeline"
    tags = ("Pipeline",)

    @get(opt=requires(Permission.READ))
    async def get_pipeline(self, pipeline: Injected[Pipeline]) -> Response[PipelineView]:
        """Get the pipeline.

        The statuses, the moves between them, and which statuses are final.
        """
        return JsonResponse(pipeline_view(pipeline))


class StatisticsController(Controller):
    """The resource `/statistics`."""

    path = "/statistics"
    tags = ("Statistics",)

    @get(opt=requires(Permission.READ))
    async def get_statistics(self, statistics: Injected[SingleFlightCache[Statistics]]) -> Response[StatisticsView]:
        """Get statistics.

        Leads by status and by source, conversions, overdue follow-ups, the time to the first contact. Numbers that
        take longer than 0.2 s to count are served for ten times as long; `at` is when they were counted.
        """
        current = await statistics.get()
        return JsonResponse(StatisticsView.of(current, other_sources=CountView.of(current.other_sources)))


class MetricsController(Controller):
    """The resource `/metrics`, for Prometheus."""

    path = "/metrics"
    tags = ("Metrics",)

    @get(media_type=MEDIA_TYPE, opt=requires(Permission.READ))
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
