"""The OpenAPI 3.1 document, made from what the operations declare and from the schemas they decode with.

Litestar's own generator is not used: it does not know that unknown members are refused, drops
constraints on items, and documents one error of many. msgspec describes the very types that decode.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from inspect import cleandoc, getdoc
from typing import Any

import msgspec

from leads_adapters.http.openapi_examples import add_examples
from leads_adapters.http.operation import Operation, Reply, operations
from leads_adapters.http.problem_schemas import PROBLEM_SCHEMAS, ProblemDetails
from leads_adapters.http.problems import MEDIA_TYPE, PROBLEM_TYPES
from leads_adapters.http.webhooks import FollowUpDue, webhooks
from leads_domain.access import Role

_REF = "#/components/schemas/{name}"
_BLANK = {"type": "string", "pattern": r"^[\s\u001c-\u001f\u0085]*$", "description": "Blank text is taken as null."}
_MARKS = ("x-one-of", "x-or-blank")
_TAG = r'(W/)?"[!#-~\u0080-\u00ff]*"'
_TAGS = {
    "type": "string",
    "format": "entity-tags",
    "pattern": rf"^([ \t]*\*[ \t]*|[ \t,]*{_TAG}([ \t]*,[ \t,]*{_TAG})*[ \t,]*)$",
    "examples": ["*"],
}
_IDEMPOTENCY_KEY = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the request safe to repeat: up to 255 visible ASCII characters, such as a UUID, quoted "
        "or bare. Under the same key the first answer is given again for 24 hours, with `Idempotency-Replayed`.",
        "schema": {
            "type": "string",
            "format": "idempotency-key",
            "pattern": r'^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--\[\]-~]{1,255})$',
        },
    }
]
_CONDITIONS = [
    {
        "name": "If-Match",
        "in": "header",
        "description": "Only if the lead is at one of these versions: entity tags as `ETag` has them, or `*`.",
        "schema": _TAGS,
    },
    {"name": "If-None-Match", "in": "header", "description": "Only if it is at none of these.", "schema": _TAGS},
]
_HEADERS = {
    "Content-Disposition": "The name of the file.",
    "Idempotency-Replayed": "`true` if this is the stored answer to an earlier request with the same Idempotency-Key.",
    "ETag": "The lead's version, as a validator (RFC 9110).",
    "Link": 'The next page, if there is one: rel="next" (RFC 8288).',
    "Location": "Where the resource is.",
}


_SECURITY_SCHEMES = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "An API key, such as `admin_5f0c...`. `leads serve` prints the first one; administrators make "
        "more with `POST /api-keys` or `leads keys create`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The same API key as `Authorization: Bearer KEY`, for clients that can set no other header. "
        "One of the two is enough.",
    },
}


def document(
    routes: Iterable[object], *, version: str, values: Mapping[str, Sequence[str]], examples: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document for the operations of `routes`.

    `values` has the list that each `x-one-of` names, `examples` those of schemas whose members depend on each other.
    """
    documented = [
        (operation, getdoc(handler) or "")
        for route in routes
        for operation, handler in operations(route)
        if operation.documented
    ]
    types = {reply.schema for operation, _ in documented for reply in operation.replies.values() if reply.schema}
    types |= {operation.query for operation, _ in documented}
    types |= {operation.body.schema for operation, _ in documented if operation.body}
    types |= {ProblemDetails, FollowUpDue, *PROBLEM_SCHEMAS.values()}
    ordered = sorted(types, key=str)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=_REF)
    schema_of = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, Any] = {}
    for operation, text in documented:
        item = paths.setdefault(operation.path.replace(":str", ""), {})
        item[operation.method.lower()] = _operation(operation, text, schema_of, components)
    for query in {operation.query for operation, _ in documented}:
        components.pop(query.__name__, None)  # told as parameters
    for name, schema in components.items():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])  # a docstring, as Python before 3.13 has it
        if name in examples:
            schema["examples"] = [examples[name]]
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "leads",
            "version": version,
            "description": "Stores leads safely, refuses duplicates, follows a pipeline, forgets no follow-up.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation, _ in documented)],
        "security": [{"apiKey": []}, {"bearer": []}],
        "paths": paths,
        "webhooks": webhooks(schema_of[FollowUpDue]),
        "components": {"schemas": components, "securitySchemes": _SECURITY_SCHEMES},
    }
    filled: dict[str, Any] = _filled(found, values)
    add_examples(filled)
    return filled


def _operation(
    operation: Operation, text: str, schema_of: Mapping[Any, Any], components: Mapping[str, Any]
) -> dict[str, Any]:
    summary, _, description = text.partition("\n\n")
    name = "".join(part.strip("{}").replace(":str", "").title() for part in operation.path.split("/"))
    told: dict[str, Any] = {
        "operationId": operation.method.lower() + name.replace("-", ""),
        "summary": summary.rstrip("."),
        "tags": [operation.tag],
        "parameters": [
            *_path_parameters(operation),
            *_query_parameters(components[operation.query.__name__]),
            *_header_parameters(operation),
        ],
        "responses": {str(status): _reply(reply, schema_of) for status, reply in _replies(operation).items()}
        | _problems(operation, schema_of),
    }
    notes = [" ".join(description.split())] if description else []
    if operation.permission is None:
        told["security"] = []
    else:
        roles = [role for role in Role if operation.permission in role.permissions]
        told["x-roles"] = roles
        notes.append(f"Needs a key with the role {' or '.join(f'`{role}`' for role in roles)}.")
    if notes:
        told["description"] = "\n\n".join(notes)
    if operation.body is not None:
        told["requestBody"] = {
            "required": not operation.body.optional,
            "content": {operation.body.media_types[0]: {"schema": schema_of[operation.body.schema]}},
        }
    if operation.upload:
        told["requestBody"] = {"required": True, "content": _files(operation.upload)}
    return told


def _files(examples: Mapping[str, str]) -> dict[str, Any]:
    return {media_type: {"schema": {"type": "string"}, "example": example} for media_type, example in examples.items()}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    if "{id:str}" not in operation.path:
        return []
    schema = {"type": "string", "format": "uuid"}
    return [{"name": "id", "in": "path", "required": True, "description": "A UUID (RFC 9562).", "schema": schema}]


def _query_parameters(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_query_parameter(name, _of_given(member)) for name, member in schema["properties"].items()]


def _query_parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter with the description of its schema: pages show that of the parameter only."""
    bare = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": "query", "required": False, "description": schema["description"], "schema": bare}


def _of_given(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a parameter that is given: null only stands for one that is not."""
    match schema:
        case {"anyOf": [given, {"type": "null"}]}:
            return given  # type: ignore[no-any-return]
    return schema


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    conditions = _CONDITIONS if operation.conditional else []
    return [*conditions, *(_IDEMPOTENCY_KEY if operation.repeatable else [])]


def _replies(operation: Operation) -> Mapping[int, Reply]:
    if operation.conditional and operation.method == "GET":
        return {**operation.replies, 304: Reply(means="It is at a version that was not wanted.", headers=("ETag",))}
    if operation.repeatable:
        return {
            status: replace(reply, headers=(*reply.headers, "Idempotency-Replayed"))
            if status < HTTPStatus.MULTIPLE_CHOICES
            else reply
            for status, reply in operation.replies.items()
        }
    return operation.replies


def _reply(reply: Reply, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": reply.means}
    if reply.headers:
        told["headers"] = {
            name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in reply.headers
        }
    if reply.files:
        told["content"] = _files(reply.files)
    if reply.schema is not None:
        told["content"] = {reply.media_type: {"schema": schema_of[reply.schema]}}
    return told


def _problems(operation: Operation, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for name in PROBLEM_TYPES:  # in the order of their status
        if name in _problem_names(operation):
            by_status.setdefault(PROBLEM_TYPES[name].status, []).append(name)
    return {
        str(status): {
            "description": " / ".join(f"`{name}`" for name in names),
            "content": {MEDIA_TYPE.decode(): {"schema": _problem_schema(names, schema_of)}},
        }
        for status, names in by_status.items()
    }


def _problem_schema(names: Iterable[str], schema_of: Mapping[Any, Any]) -> Any:
    schemas = [schema_of[each] for each in dict.fromkeys(PROBLEM_SCHEMAS.get(name, ProblemDetails) for name in names)]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _problem_names(operation: Operation) -> set[str]:
    names = {*operation.problems, "malformed-request", "internal-error"}
    if operation.permission is not None:
        names |= {"unauthorized", "forbidden", "rate-limited", "unavailable"}
    if operation.repeatable:
        names |= {"idempotency-key-reused", "request-in-progress", "not-found"}  # the last for what has been erased
    if operation.conditional:
        names.add("precondition-failed")
    if operation.body is not None or operation.upload:
        names |= {"payload-too-large", "request-timeout", "unsupported-media-type", "validation-failed"}
    return names


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
