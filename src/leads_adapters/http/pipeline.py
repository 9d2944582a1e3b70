"""The resource /pipeline."""

from dataclasses import dataclass

from leads_adapters.http.answer import Answer, json_answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.views import PipelineView, pipeline_view
from leads_domain.access import Permission
from leads_domain.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class PipelineRoutes:
    """Shows the pipeline that this service was started with."""

    pipeline: Pipeline

    @operation(
        method="GET",
        path="/pipeline",
        tag="Pipeline",
        permission=Permission.READ,
        replies={200: Reply(means="The pipeline.", schema=PipelineView)},
    )
    async def show(self, _: Call) -> Answer:
        """Get the pipeline.

        The statuses, the moves between them, and which statuses are final.
        """
        return json_answer(pipeline_view(self.pipeline))
