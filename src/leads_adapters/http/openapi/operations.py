"""Completes the operations of Litestar's document with what its generator does not know."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from inspect import getdoc
from typing import Any

from litestar.handlers import HTTPRouteHandler

from leads_adapters.http import problems
from leads_adapters.http.authentication import permission_of
from leads_adapters.http.openapi.parts import (
    CONDITION_PARAMETERS,
    IDEMPOTENCY_PARAMETER,
    RESPONSE_HEADERS,
)
from leads_adapters.http.openapi.schemas import MsgspecSchemas
from leads_adapters.http.problem_responses import MEDIA_TYPE
from leads_adapters.http.problems import PROBLEMS, Problem
from leads_adapters.http.schemas.leads import Moved
from leads_domain.access import Role


def complete_operation(
    operation: dict[str, Any], handler: HTTPRouteHandler, path: str, method: str, schemas: MsgspecSchemas
) -> None:
    """Complete one operation, in place."""
    summary, _, description = (getdoc(handler.fn) or "").partition("\n\n")
    notes = [" ".join(description.split())] if description else []
    permission = permission_of(handler.opt)
    if permission is None:
        operation["security"] = []
    else:
        roles = [role for role in Role if permission in role.permissions]
        operation["x-roles"] = roles
        notes.append(f"Needs a key with the role {' or '.join(f'`{role}`' for role in roles)}.")
    operation |= {
        "operationId": method.lower() + "".join(part.strip("{}").title() for part in path.split("/")).replace("-", ""),
        "summary": summary.rstrip("."),
        "parameters": [*map(_parameter, operation.get("parameters") or []), *_header_parameters(handler, method)],
        "responses": _responses(operation["responses"], handler, path, method, schemas),
    }
    operation.pop("description", None)
    operation.pop("deprecated", None)
    if notes:
        operation["description"] = "\n\n".join(notes)
    if upload := handler.opt.get("upload"):
        operation["requestBody"] = {"required": True, "content": _files(upload)}
    elif data := handler.parsed_data_field:
        operation["requestBody"]["required"] = not data.has_default
        for body in operation["requestBody"]["content"].values():
            body["schema"] = _given(body["schema"])


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter with the description of its schema: pages show that of the parameter only."""
    schema = dict(_given(parameter["schema"]))
    description = schema.pop("description", parameter.get("description", ""))
    if "default" in parameter["schema"]:
        schema["default"] = parameter["schema"]["default"]
    named = {"name": parameter["name"], "in": parameter["in"], "required": parameter["required"]}
    return {**named, "description": description, "schema": schema}


def _given(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a value that is given: null only stands for one that is not."""
    match schema:
        case {"oneOf": [given, {"type": "null"}]}:
            return given  # type: ignore[no-any-return]
        case {"enum": [*values, None]}:  # of a literal, Litestar adds null to its values
            return {**schema, "enum": values}
    return schema


def _header_parameters(handler: HTTPRouteHandler, method: str) -> list[Mapping[str, Any]]:
    conditions = CONDITION_PARAMETERS if "conditional" in handler.opt else ()
    return [*conditions, *([IDEMPOTENCY_PARAMETER] if method == "POST" else [])]


def _responses(
    responses: Mapping[str, Any], handler: HTTPRouteHandler, path: str, method: str, schemas: MsgspecSchemas
) -> dict[str, Any]:
    successes = {
        status: _success(response, handler, method, int(status), schemas)
        for status, response in responses.items()
        if int(status) < HTTPStatus.MULTIPLE_CHOICES
    }
    if method == "GET" and "conditional" in handler.opt:
        successes["304"] = {"description": "It is at an excluded version.", "headers": _headers("ETag")}
    if path.startswith("/leads/{id}"):
        content = {"application/json": {"schema": schemas.schema(Moved)}}
        moved = "The lead is a part of another one, which is there."
        successes["301"] = {"description": moved, "headers": _headers("Location"), "content": content}
    return {**dict(sorted(successes.items())), **_problems(handler, path, method, schemas)}


def _success(
    response: dict[str, Any], handler: HTTPRouteHandler, method: str, status: int, schemas: MsgspecSchemas
) -> dict[str, Any]:
    """Return a response with its headers; without a description of its own, it has that of its schema."""
    content: dict[str, Any] = response.get("content") or {}
    schema: dict[str, Any] = next((body["schema"] for body in content.values()), {})
    name = schema.get("$ref", "").rpartition("/")[2]
    described = schemas.components.get(name, schema).get("description", "")
    names = {
        "Content-Disposition": "download" in handler.opt,
        "ETag": name == "LeadView",
        "Idempotency-Replayed": method == "POST",
        "Link": "PageView" in name,
        "Location": method == "POST" and status == handler.status_code != HTTPStatus.OK,
    }
    if download := handler.opt.get("download"):
        content = _files(download)
    description = response["description"]
    if description == HTTPStatus(status).description:  # Litestar's default
        description = described or description
    parts = {"headers": _headers(*(each for each, is_sent in names.items() if is_sent)), "content": content}
    return {"description": description, **{part: value for part, value in parts.items() if value}}


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"description": RESPONSE_HEADERS[name], "schema": {"type": "string"}} for name in names}


def _files(examples: Mapping[str, str]) -> dict[str, Any]:
    return {media_type: {"schema": {"type": "string"}, "example": example} for media_type, example in examples.items()}


def _problems(handler: HTTPRouteHandler, path: str, method: str, schemas: MsgspecSchemas) -> dict[str, Any]:
    raised = _raised(handler, path, method)
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in PROBLEMS.values():
        if problem in raised:
            by_status.setdefault(problem.status_code, []).append(problem)
    return {
        str(status): {
            "description": " / ".join(f"`{problem.name}`" for problem in of_status),
            "content": {MEDIA_TYPE: {"schema": _problem_schema(of_status, schemas)}},
        }
        for status, of_status in by_status.items()
    }


def _problem_schema(of_status: Iterable[type[Problem]], schemas: MsgspecSchemas) -> dict[str, Any]:
    found = [schemas.schema(schema) for schema in dict.fromkeys(problem.schema for problem in of_status)]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _raised(handler: HTTPRouteHandler, path: str, method: str) -> set[Any]:
    raised = {*(handler.raises or ()), problems.MalformedRequest, problems.InternalError}
    if permission_of(handler.opt) is not None:
        raised |= {problems.Unauthorized, problems.Forbidden, problems.RateLimited, problems.Unavailable}
    if method == "POST":
        raised |= {problems.IdempotencyKeyReused, problems.RequestInProgress}
    if "{id}" in path or method == "POST":  # a response about a lead that was deleted since
        raised.add(problems.NotFound)
    if "conditional" in handler.opt:
        raised.add(problems.PreconditionFailed)
    if handler.parsed_data_field is not None or "upload" in handler.opt:
        raised |= {problems.PayloadTooLarge, problems.RequestTimeout, problems.UnsupportedMediaType}
        raised.add(problems.ValidationFailed)
    return raised
