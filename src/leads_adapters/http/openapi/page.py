"""Serve the interactive documentation: Swagger UI, from `static`."""

from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get
from litestar.openapi.plugins import OpenAPIRenderPlugin

from leads_adapters.http.authentication import PUBLIC
from leads_adapters.http.html_page import html_page

_BODY = """<link rel="stylesheet" href="/docs/swagger-ui/swagger-ui.css">
<div id="operations"></div>
<script src="/docs/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>"""
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_STATIC = Path(__file__).parents[1] / "static"
_ASSETS = (
    "start.js",
    "style.css",
    "swagger-ui/swagger-ui.css",
    "swagger-ui/swagger-ui-bundle.js",
    "swagger-ui/favicon-32x32.png",
)


class SwaggerUiPage(OpenAPIRenderPlugin):
    """Serve Swagger UI without inline scripts, which the security policy forbids and Litestar's page has."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """Return the page. Its script loads the document."""
        return html_page("Operations", _BODY).encode()

    def receive_router(self, router: Router) -> None:
        """Register the handlers of the files that the page loads."""
        for name in _ASSETS:
            router.register(_asset_handler(name))


def _asset_handler(name: str) -> Any:
    @get(f"/{name}", opt=PUBLIC, sync_to_thread=False)
    def get_asset() -> Response[bytes]:
        headers = {"cache-control": "public, max-age=3600"}
        return Response(_read_asset(name), media_type=_MEDIA_TYPES[Path(name).suffix], headers=headers)

    return get_asset


@cache
def _read_asset(name: str) -> bytes:
    """Return the content of a file. Not with Litestar: its large files end when the client disconnects."""
    return _STATIC.joinpath(name).read_bytes()
