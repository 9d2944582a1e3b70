"""The pipeline."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from leads_adapters.http.schemas.common import Status
from leads_domain.pipeline import Pipeline


class PipelineView(msgspec.Struct):
    """The statuses of a lead and the moves between them."""

    initial: Status
    statuses: Sequence[Status]
    transitions: Annotated[dict[str, Sequence[str]], Meta(description="The statuses that can follow each status.")]
    final: Sequence[Status]
    reason_required: Sequence[Status]


def pipeline_view(pipeline: Pipeline) -> PipelineView:
    """The pipeline as clients see it, statuses in the order of its declaration."""
    return PipelineView(
        initial=pipeline.initial,
        statuses=pipeline.statuses,
        transitions=dict(pipeline.transitions),
        final=[status for status in pipeline.statuses if status in pipeline.final],
        reason_required=[status for status in pipeline.statuses if status in pipeline.reason_required],
    )
