"""Handlers that send a constant, to measure what server, framework, authentication and log cost."""

from pathlib import Path

from litestar import Controller, Response, get, post
from litestar.params import JSONBody

from leads_adapters.http.authentication import requires
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.schemas.leads import NewLead
from leads_domain.access import Permission

LEAD = "/constant/lead"
PAGE = "/constant/page"
CREATE = "/constant/create"
MEDIA_TYPE = "application/json"


def constant_controller(lead_file: Path, page_file: Path) -> type[Controller]:
    """Return a controller that sends the bytes of one lead, and of a page of leads."""
    lead, page = lead_file.read_bytes(), page_file.read_bytes()

    class ConstantController(Controller):
        include_in_schema = False

        @get(LEAD, opt=requires(Permission.READ))
        async def get_lead(self, request: ApiRequest) -> Response[bytes]:  # noqa: ARG002
            """Send one lead."""
            return Response(lead, media_type=MEDIA_TYPE)

        @get(PAGE, opt=requires(Permission.READ))
        async def get_page(self, request: ApiRequest) -> Response[bytes]:  # noqa: ARG002
            """Send a page of leads."""
            return Response(page, media_type=MEDIA_TYPE)

        @post(CREATE, opt=requires(Permission.CAPTURE))
        async def create_lead(self, data: JSONBody[NewLead]) -> Response[bytes]:  # noqa: ARG002
            """Decode a lead, drop it, and send another one."""
            return Response(lead, status_code=201, media_type=MEDIA_TYPE)

    return ConstantController
