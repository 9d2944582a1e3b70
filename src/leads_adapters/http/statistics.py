"""The resource /statistics."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.database import Database
from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.schemas import Source
from leads_adapters.http.views import Utc
from leads_adapters.single_flight import SingleFlightCache
from leads_domain.access import Permission
from leads_domain.events import rfc3339
from leads_domain.statistics import Statistics
from leads_domain.use_cases.take_statistics import SOURCES_MAX, TakeStatistics

_CONVERSIONS = "How many of them are in a final status that needs no reason."
Conversions = Annotated[int, Meta(description=_CONVERSIONS, examples=[6])]


class CountView(msgspec.Struct):
    """Leads, and how many of them were won."""

    leads: Annotated[int, Meta(examples=[0])]
    conversions: Annotated[int, Meta(description=_CONVERSIONS, examples=[0])]


class SourceCountView(msgspec.Struct):
    """The leads of a source, and how many of them were won."""

    source: Source | None
    leads: Annotated[int, Meta(examples=[30])]
    conversions: Conversions


class StatisticsView(msgspec.Struct):
    """How the desk is doing."""

    at: Annotated[Utc, Meta(description="When it was counted.")]
    total: Annotated[int, Meta(description="How many leads there are.", examples=[30])]
    by_status: Annotated[
        dict[str, int],
        Meta(
            description="How many leads have each status of the pipeline.",
            examples=[{"new": 12, "contacted": 5, "qualified": 3, "lost": 4, "converted": 6}],
        ),
    ]
    conversions: Conversions
    conversion_rate: Annotated[float, Meta(description="Conversions by leads, 0 to 1.", examples=[0.2])] | None
    median_time_to_first_contact: (
        Annotated[float, Meta(description="In seconds, of all leads that were contacted.", examples=[5400.5])] | None
    )
    overdue_follow_ups: Annotated[
        int, Meta(description="Still scheduled though their due time has passed.", examples=[2])
    ]
    by_source: Annotated[
        Sequence[SourceCountView],
        Meta(description=f"The {SOURCES_MAX} sources of most leads; null is unknown. Those of most leads come first."),
    ]
    other_sources: Annotated[CountView, Meta(description="What all further sources have together.")]


class StatisticsRoutes:
    """Tells how the desk is doing. To count a million leads takes 1 to 3 seconds: what was counted is shared."""

    def __init__(self, database: Database, take_statistics: TakeStatistics) -> None:
        self._statistics = SingleFlightCache(partial(database.read_long, take_statistics))

    @operation(
        method="GET",
        path="/statistics",
        tag="Statistics",
        permission=Permission.READ,
        replies={200: Reply(means="The numbers of this moment.", schema=StatisticsView)},
    )
    async def show(self, _: Call) -> Answer:
        """Get statistics.

        Leads by status and by source, conversions, overdue follow-ups, the time to the first contact. What
        takes longer than 0.2 s to count is told for ten times as long; `at` is when it was counted.
        """
        return json_answer(_view(await self._statistics.get()))


def _view(statistics: Statistics) -> StatisticsView:
    median, others = statistics.median_time_to_first_contact, statistics.other_sources
    return StatisticsView(
        at=rfc3339(statistics.at),
        total=statistics.total,
        by_status=dict(statistics.by_status),
        conversions=statistics.conversions,
        conversion_rate=statistics.conversion_rate,
        median_time_to_first_contact=None if median is None else median.total_seconds(),
        overdue_follow_ups=statistics.overdue_follow_ups,
        by_source=[SourceCountView(each.source, each.leads, each.conversions) for each in statistics.by_source],
        other_sources=CountView(others.leads, others.conversions),
    )
