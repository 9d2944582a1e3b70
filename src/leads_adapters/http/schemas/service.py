"""The service itself: its health, its pipeline, its statistics."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Source, Status, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.pipeline import Pipeline
from leads_domain.use_cases.compute_statistics import SOURCES_MAX

_CONVERSIONS = "How many of them are in a final status that needs no reason."
Conversions = Annotated[int, Meta(description=_CONVERSIONS, examples=[6])]


class Health(msgspec.Struct):
    """The service is well."""

    status: str = "ok"


class PipelineView(View):
    """The statuses of a lead and the moves between them."""

    initial: Status
    statuses: Sequence[Status]
    transitions: Annotated[dict[str, Sequence[str]], Meta(description="The statuses that can follow each status.")]
    final: Sequence[Status]
    reason_required: Sequence[Status]


def pipeline_view(pipeline: Pipeline) -> PipelineView:
    """Return the pipeline as clients see it, statuses in the order of its declaration."""
    final, justified = (
        sorted(some, key=pipeline.statuses.index) for some in (pipeline.final, pipeline.reason_required)
    )
    return PipelineView.of(pipeline, final=final, reason_required=justified)


class CountView(View):
    """Leads, and how many of them were won."""

    leads: Annotated[int, Meta(examples=[0])]
    conversions: Annotated[int, Meta(description=_CONVERSIONS, examples=[0])]


class SourceCountView(msgspec.Struct):
    """The leads of a source, and how many of them were won."""

    source: Source | None
    leads: Annotated[int, Meta(examples=[30])]
    conversions: Conversions


class StatisticsView(View):
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
