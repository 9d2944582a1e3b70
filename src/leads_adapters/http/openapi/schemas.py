"""Generate schemas with msgspec: Litestar drops constraints inside of types, and `extra_json_schema`."""

from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any

import msgspec
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

REF = "#/components/schemas/{name}"


@dataclass
class JsonSchema(Schema):
    """A schema that is already JSON."""

    json: dict[str, Any] = field(default_factory=dict)

    def to_schema(self) -> dict[str, Any]:
        """Return the JSON."""
        return self.json


class MsgspecSchemas(OpenAPISchemaPlugin):
    """Generate the schemas of the types of handlers, and collect the schemas of structs in `components`."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Return true for all types but unions, whose parts Litestar passes one by one."""
        return not field_definition.is_union

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ARG002
        """Return the schema of a type."""
        schema = self.schema(field_definition.raw)
        if field_definition.has_default and field_definition.default is not None:
            schema["default"] = msgspec.to_builtins(field_definition.default)
        return JsonSchema(json=schema)

    def schema(self, type: Any) -> dict[str, Any]:
        """Return the schema of a type, with references to the schemas of structs."""
        (schema,), components = msgspec.json.schema_components((type,), ref_template=REF)
        for component in components.values():
            if "description" in component:
                # Python before 3.13 keeps the indentation of docstrings.
                component["description"] = cleandoc(component["description"])
        self.components |= components
        return schema
