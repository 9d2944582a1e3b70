"""Add msgspec's schemas, problems, roles, headers and examples to the OpenAPI document that Litestar generates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import License
from litestar.routes import HTTPRoute

from leads_adapters.http.openapi.examples import add_examples
from leads_adapters.http.openapi.links import add_links
from leads_adapters.http.openapi.operations import complete_operation
from leads_adapters.http.openapi.page import SwaggerUiPage
from leads_adapters.http.openapi.parts import HEADERS, SECURITY_SCHEMES
from leads_adapters.http.openapi.schemas import MsgspecSchemas
from leads_adapters.http.openapi.webhooks import webhooks
from leads_adapters.http.responses import LINE_FEED

_BLANK = {"type": "string", "pattern": r"^[\s\u001c-\u001f\u0085]*$", "description": "Blank text means null."}
_FULL_PATHS = {"/calendar/{secret}": "/calendar/{secret}.ics"}
"""Paths as clients send them: Litestar has no paths with text after a parameter."""

_MARKERS = ("x-one-of", "x-or-blank")


@dataclass(slots=True)
class OpenApiDocument:
    """The OpenAPI document of an application.

    `values` has the lists that `x-one-of` names. `examples` has an example of each schema whose fields depend on each
    other.
    """

    version: str
    values: Mapping[str, Sequence[str]]
    examples: Mapping[str, Any]
    schemas: MsgspecSchemas = field(default_factory=MsgspecSchemas)
    _json: bytes = b""

    def config(self) -> OpenAPIConfig:
        """Return the configuration of Litestar's generator and of its page."""
        return OpenAPIConfig(
            title="leads",
            version=self.version,
            description="Stores leads, refuses duplicates, follows a pipeline, and sends every follow-up.",
            license=License(name="MIT", identifier="MIT"),
            security=[{"apiKey": []}, {"bearer": []}],
            path="/docs",
            render_plugins=[SwaggerUiPage()],
        )

    def json(self, app: Litestar) -> bytes:
        """Return the document as JSON. It is generated at the first call."""
        if not self._json:
            self._json = msgspec.json.encode(self._generate(app)) + LINE_FEED
        return self._json

    def _generate(self, app: Litestar) -> dict[str, Any]:
        document = app.openapi_schema.to_schema()
        tags: dict[str, None] = {}
        for path, method, handler in _operations(app):
            operation = document["paths"][path][method.lower()]
            complete_operation(operation, handler, path, method, self.schemas)
            tags |= dict.fromkeys(operation["tags"])
        # Litestar has the methods of a path in a set. Sort them, so that every process generates the same document.
        document["paths"] = {
            _FULL_PATHS.get(path, path): dict(sorted(item.items())) for path, item in document["paths"].items()
        }
        document["tags"] = [{"name": tag} for tag in tags]
        document["webhooks"] = webhooks(self.schemas.schema)
        for name, example in self.examples.items():
            self.schemas.components[name]["examples"] = [example]
        document["components"] = {
            "schemas": dict(sorted(self.schemas.components.items())),
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        }
        resolved: dict[str, Any] = _resolve_markers(document, self.values)
        add_examples(resolved)
        add_links(resolved["paths"])
        return resolved


def _operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Yield path, method and handler of each documented operation."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.resolve_include_in_schema():
                    for method in handler.http_methods:
                        yield route.path_format, method, handler


def _resolve_markers(node: Any, values: Mapping[str, Sequence[str]]) -> Any:
    """Replace each `x-one-of` by its values and each `x-or-blank` by blank text, and give each enum a type."""
    if isinstance(node, dict):
        resolved = {name: _resolve_markers(child, values) for name, child in node.items() if name not in _MARKERS}
        if "x-one-of" in node:
            resolved["enum"] = list(values[node["x-one-of"]])
        if isinstance(resolved.get("enum"), list):
            resolved["type"] = "string"
        if "x-or-blank" in node:
            resolved["anyOf"].append(_BLANK)
        return resolved
    if isinstance(node, list | tuple):
        return [_resolve_markers(child, values) for child in node]
    return node
