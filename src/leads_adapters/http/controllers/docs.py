"""Serve the OpenAPI document and the pages of the problems."""

from litestar import Controller, MediaType, Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from leads_adapters.http.authentication import PUBLIC
from leads_adapters.http.body import ApiRequest
from leads_adapters.http.openapi.document import OpenApiDocument
from leads_adapters.http.parameters import Injected
from leads_adapters.http.problem_pages import not_found_response, problem_list_page, problem_page
from leads_adapters.http.problems import PROBLEMS, NotFound


class DocsController(Controller):
    """The resources `/`, `/openapi.json`, `/problems` and `/problems/{name}`."""

    exception_handlers = {NotFound: not_found_response}
    include_in_schema = False

    @get("/", opt=PUBLIC, status_code=307)
    async def redirect_to_docs(self) -> Redirect:
        """Redirect to the documentation."""
        return Redirect("/docs", status_code=307)

    @get("/openapi.json", opt=PUBLIC)
    async def get_document(self, request: ApiRequest, document: Injected[OpenApiDocument]) -> Response[bytes]:
        """Get the OpenAPI document."""
        return Response(document.json(request.app), media_type="application/json")

    @get("/problems", opt=PUBLIC, media_type=MediaType.HTML)
    async def list_problems(self) -> str:
        """Get the page that lists the types of problems."""
        return problem_list_page(PROBLEMS.values())

    @get("/problems/{name:str}", opt=PUBLIC, media_type=MediaType.HTML)
    async def get_problem_page(self, name: FromPath[str]) -> str:
        """Get the page of a type of problem."""
        if name not in PROBLEMS:
            raise NotFound(f"No problem has this name. The names are: {', '.join(PROBLEMS)}.")
        return problem_page(PROBLEMS[name])
