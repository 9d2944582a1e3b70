"""Report the health, pipeline, statistics and metrics of the service."""

import asyncio
from collections.abc import Awaitable, Callable
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
from leads_domain.pipeline import Pipeline
from leads_domain.sources import Clock
from leads_domain.statistics import Statistics
from leads_domain.use_cases.count_waiting import Waiting

CACHED_SECONDS = 1.0
MetricsText = Callable[[Waiting, datetime], bytes]
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
    """The readiness check. `check_database` raises `Unavailable` if the database does not work."""

    check_database: Callable[[], Awaitable[None]]
    is_stopping: Callable[[], bool]
    now: Callable[[], float] = monotonic
    cached_seconds: float = CACHED_SECONDS
    _expires_at: float = field(default=float("-inf"), init=False)

    async def check(self) -> None:
        """Raise `Unavailable` if the service is shutting down or the database does not work.

        A successful check of the database is cached for `cached_seconds`.
        """
        if self.is_stopping():
            raise problems.Unavailable("The service is shutting down.", headers=RETRY_LATER)
        if self.now() >= self._expires_at:
            await self.check_database()
            self._expires_at = self.now() + self.cached_seconds


class HealthController(Controller):
    """The resources `/health/live` and `/health/ready`."""

    path = "/health"
    tags = ("Health",)

    @get("/live", opt=PUBLIC)
    async def get_liveness(self) -> Response[Health]:
        """Check liveness.

        Succeeds while the process responds.
        """
        return JsonResponse(Health())

    @get("/ready", opt=PUBLIC, raises=[problems.Unavailable])
    async def get_readiness(self, readiness: Injected[Readiness]) -> Response[Health]:
        """Check readiness.

        Succeeds if the database responds, has the right schema and accepts writes, and the service is not shutting
        down. A successful check of the database is cached for one second. After a failed write, the check tries a
        write, at most once a second.
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

        The statuses, the transitions between them, and the statuses that are final or need a reason.
        """
        return JsonResponse(pipeline_view(pipeline))


class StatisticsController(Controller):
    """The resource `/statistics`."""

    path = "/statistics"
    tags = ("Statistics",)

    @get(opt=requires(Permission.READ))
    async def get_statistics(self, statistics: Injected[SingleFlightCache[Statistics]]) -> Response[StatisticsView]:
        """Get statistics.

        Leads by status and by source, conversions, overdue follow-ups, and the time to the first contact. A count
        that takes longer than 0.2 s is cached for ten times as long as it took; `at` is the time of the count.
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
        waiting: Injected[SingleFlightCache[Waiting]],
        clock: Injected[Clock],
    ) -> Response[Exposition]:
        """Get metrics.

        In the text format of Prometheus: requests by method, route and status, with their durations; scheduled and due
        follow-ups by channel; deliveries by channel and outcome; submissions that need a review; the size of commits.
        Each process reports its own numbers under its `pid`.
        """
        body = await asyncio.to_thread(metrics_text, await waiting.get(), clock.now())
        return Response(body.decode(), headers={"content-type": MEDIA_TYPE})
