"""Define the bodies of health checks, the pipeline and statistics."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Source, Status, Utc
from leads_adapters.http.schemas.views import View
from leads_domain.pipeline import Pipeline
from leads_domain.use_cases.compute_statistics import SOURCES_MAX

_CONVERSIONS = "The number of leads in a final status that needs no reason."
Conversions = Annotated[int, Meta(description=_CONVERSIONS, examples=[6])]
_ENQUIRIES = "The number of enquiries. An enquiry without a source counts for the source of its lead."


class Health(msgspec.Struct):
    """The result of a successful check."""

    status: str = "ok"


class PipelineView(View):
    """The statuses of a lead and the transitions between them."""

    initial: Status
    statuses: Sequence[Status]
    transitions: Annotated[dict[str, Sequence[str]], Meta(description="The statuses that can follow each status.")]
    final: Sequence[Status]
    reason_required: Sequence[Status]


def pipeline_view(pipeline: Pipeline) -> PipelineView:
    """Return the view of a pipeline, with its statuses in the order of their declaration."""
    final = sorted(pipeline.final, key=pipeline.statuses.index)
    reason_required = sorted(pipeline.reason_required, key=pipeline.statuses.index)
    return PipelineView.of(pipeline, final=final, reason_required=reason_required)


class CountView(View):
    """The number of leads, conversions and enquiries."""

    leads: Annotated[int, Meta(examples=[0])]
    conversions: Annotated[int, Meta(description=_CONVERSIONS, examples=[0])]
    enquiries: Annotated[int, Meta(description=_ENQUIRIES, examples=[0])]


class SourceCountView(msgspec.Struct):
    """The number of leads, conversions and enquiries of a source."""

    source: Source | None
    leads: Annotated[int, Meta(examples=[30])]
    conversions: Conversions
    enquiries: Annotated[int, Meta(description=_ENQUIRIES, examples=[42])]


class StatisticsView(View):
    """Statistics of all leads, follow-ups and tasks."""

    at: Annotated[Utc, Meta(description="The time of the count.")]
    total: Annotated[int, Meta(description="The number of leads.", examples=[30])]
    by_status: Annotated[
        dict[str, int],
        Meta(
            description="The number of leads in each status of the pipeline.",
            examples=[{"new": 12, "contacted": 5, "qualified": 3, "lost": 4, "converted": 6}],
        ),
    ]
    conversions: Conversions
    conversion_rate: (
        Annotated[
            float, Meta(description="Conversions divided by leads, from 0 to 1. Null without leads.", examples=[0.2])
        ]
        | None
    )
    median_time_to_first_contact: (
        Annotated[
            float, Meta(description="In seconds, over all contacted leads. Null if there are none.", examples=[5400.5])
        ]
        | None
    )
    overdue_follow_ups: Annotated[
        int, Meta(description="The number of scheduled follow-ups whose due time has passed.", examples=[2])
    ]
    overdue_tasks: Annotated[int, Meta(description="The number of open tasks whose due time has passed.", examples=[3])]
    enquiries: Annotated[int, Meta(description="The number of enquiries of all leads.", examples=[42])]
    by_source: Annotated[
        Sequence[SourceCountView],
        Meta(
            description=f"The {SOURCES_MAX} sources with the most leads, the largest first. A null `source` is unknown."
        ),
    ]
    other_sources: Annotated[CountView, Meta(description="All other sources together.")]
