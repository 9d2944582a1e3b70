"""The service's own documentation: the OpenAPI document, a page to try it on, and the pages of the problems."""

from collections.abc import Callable
from functools import cache, cached_property
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import msgspec

from leads_adapters.http.answer import LINE_FEED, Answer, html_answer
from leads_adapters.http.operation import Call, Reply, operation
from leads_adapters.http.problems import PROBLEM_TYPES, Problem, page

_PAGE = Reply(means="A page.", media_type="text/html")
_MEDIA_TYPES = {".css": b"text/css", ".js": b"text/javascript", ".png": b"image/png"}
_SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_DOCS = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>leads</title>
  <link rel="icon" href="/docs/favicon-32x32.png">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <div id="operations"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
"""
_START = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#operations",
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""


class DocsRoutes:
    """Serves the documentation. Everything comes from the installed packages, nothing from the network."""

    def __init__(self, document: Callable[[], dict[str, Any]]) -> None:
        self._make_document = document

    @cached_property
    def _document(self) -> bytes:
        return msgspec.json.encode(self._make_document()) + LINE_FEED

    @operation(method="GET", path="/", tag="Docs", permission=None, replies={307: _PAGE}, documented=False)
    async def home(self, _: Call) -> Answer:
        """Lead a person to the documentation."""
        return Answer(b"", status=307, media_type=b"text/plain", headers=[(b"location", b"/docs")])

    @operation(method="GET", path="/openapi.json", tag="Docs", permission=None, replies={200: _PAGE}, documented=False)
    async def openapi(self, _: Call) -> Answer:
        """Answer the OpenAPI document."""
        return Answer(self._document)

    @operation(method="GET", path="/docs", tag="Docs", permission=None, replies={200: _PAGE}, documented=False)
    async def docs(self, _: Call) -> Answer:
        """Answer the interactive page."""
        return html_answer(_DOCS)

    @operation(
        method="GET", path="/docs/{name:str}", tag="Docs", permission=None, replies={200: _PAGE}, documented=False
    )
    async def asset(self, call: Call) -> Answer:
        """Answer a file that the interactive page needs."""
        name = call.request.path_params["name"]
        if name == "start.js":
            body = _START
        elif name in _SWAGGER_UI:
            body = _asset(name)
        else:
            raise Problem("not-found", "The documentation has no such file.")
        cached = (b"cache-control", b"public, max-age=3600")
        return Answer(body, media_type=_MEDIA_TYPES[Path(name).suffix], headers=[cached])

    @operation(
        method="GET", path="/problems/{name:str}", tag="Docs", permission=None, replies={200: _PAGE}, documented=False
    )
    async def problem(self, call: Call) -> Answer:
        """Explain a kind of problem."""
        type = PROBLEM_TYPES.get(call.request.path_params["name"])
        if type is None:
            raise Problem("not-found", f"The types of problems are: {', '.join(PROBLEM_TYPES)}.")
        return html_answer(page(type))


@cache
def _asset(name: str) -> bytes:
    """Return a file of Swagger UI, read once. The package swagger-ui-py has it; its own code is not imported."""
    return Path(str(distribution("swagger-ui-py").locate_file("swagger_ui/static"))).joinpath(name).read_bytes()
