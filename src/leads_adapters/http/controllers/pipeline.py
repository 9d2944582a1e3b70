"""The pipeline."""

from litestar import Controller, Response, get

from leads_adapters.http.authentication import requires
from leads_adapters.http.dependencies import Injected
from leads_adapters.http.responses import JsonResponse
from leads_adapters.http.schemas.pipeline import PipelineView, pipeline_view
from leads_domain.access import Permission
from leads_domain.pipeline import Pipeline


class PipelineController(Controller):
    """The resource `/pipeline`."""

    path = "/pipeline"
    tags = ("Pipeline",)

    @get(opt=requires(Permission.READ), response_description="The pipeline.")
    async def get_pipeline(self, pipeline: Injected[Pipeline]) -> Response[PipelineView]:
        """Get the pipeline.

        The statuses, the moves between them, and which statuses are final.
        """
        return JsonResponse(pipeline_view(pipeline))
