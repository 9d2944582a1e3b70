"""The OpenAPI 3.1 document: Litestar's, with schemas by msgspec, problems, roles, headers and examples."""

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
from leads_adapters.http.openapi.webhooks import FollowUpDue, webhooks
from leads_adapters.http.responses import LINE_FEED

_BLANK = {"type": "string", "pattern": r"^[\s\u001c-\u001f\u0085]*$", "description": "Blank text is taken as null."}
_MARKS = ("x-one-of", "x-or-blank")


@dataclass(slots=True)
class OpenApiDocument:
    """The document of an application.

    `values` has the list that each `x-one-of` names, `examples` those of schemas whose members depend on each other.
    """

    version: str
    values: Mapping[str, Sequence[str]]
    examples: Mapping[str, Any]
    schemas: MsgspecSchemas = field(default_factory=MsgspecSchemas)
    _json: bytes = b""

    def config(self) -> OpenAPIConfig:
        """Return what Litestar's generator needs to know, and the page that it serves."""
        return OpenAPIConfig(
            title="leads",
            version=self.version,
            description="Stores leads safely, refuses duplicates, follows a pipeline, forgets no follow-up.",
            license=License(name="MIT", identifier="MIT"),
            security=[{"apiKey": []}, {"bearer": []}],
            path="/docs",
            render_plugins=[SwaggerUiPage()],
        )

    def json(self, app: Litestar) -> bytes:
        """Return the document as JSON; made when it is first asked for."""
        if not self._json:
            self._json = msgspec.json.encode(self._make(app)) + LINE_FEED
        return self._json

    def _make(self, app: Litestar) -> dict[str, Any]:
        document = app.openapi_schema.to_schema()
        tags: dict[str, None] = {}
        for path, method, handler in _operations(app):
            operation = document["paths"][path][method.lower()]
            complete_operation(operation, handler, path, method, self.schemas)
            tags |= dict.fromkeys(operation["tags"])
        # Litestar has the methods of a path in a set: in this order, the document is the same in every process.
        document["paths"] = {path: dict(sorted(item.items())) for path, item in document["paths"].items()}
        document["tags"] = [{"name": tag} for tag in tags]
        document["webhooks"] = webhooks(self.schemas.schema(FollowUpDue))
        for name, example in self.examples.items():
            self.schemas.components[name]["examples"] = [example]
        document["components"] = {
            "schemas": dict(sorted(self.schemas.components.items())),
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        }
        filled: dict[str, Any] = _filled(document, self.values)
        add_examples(filled)
        add_links(filled["paths"])
        return filled


def _operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Yield path, method and handler of everything that is documented."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.resolve_include_in_schema():
                    for method in handler.http_methods:
                        yield route.path_format, method, handler


def _filled(node: Any, values: Mapping[str, Sequence[str]]) -> Any:
    """Return the document with values for each `x-one-of`, blank text for each `x-or-blank`, a type for each enum."""
    if isinstance(node, dict):
        filled = {name: _filled(child, values) for name, child in node.items() if name not in _MARKS}
        if "x-one-of" in node:
            filled["enum"] = list(values[node["x-one-of"]])
        if isinstance(filled.get("enum"), list):
            filled["type"] = "string"
        if "x-or-blank" in node:
            filled["anyOf"].append(_BLANK)
        return filled
    if isinstance(node, list | tuple):
        return [_filled(child, values) for child in node]
    return node
