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
    ETAG,
    IDEMPOTENCY_PARAMETER,
    IDEMPOTENCY_REPLAYED,
    LOCATION,
)
from leads_adapters.http.openapi.schemas import MsgspecSchemas
from leads_adapters.http.problem_responses import MEDIA_TYPE, moved_response
from leads_adapters.http.problems import PROBLEMS, Problem
from leads_adapters.http.schemas.leads import Moved
from leads_domain.access import Role
from leads_domain.errors import Merged


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
    usual = responses[str(handler.status_code)].get("content")
    successes = {
        status: _success(response, handler, method, int(status), is_usual=response.get("content") == usual)
        for status, response in responses.items()
        if int(status) < HTTPStatus.MULTIPLE_CHOICES
    }
    if method == "GET" and "conditional" in handler.opt:
        successes["304"] = {"description": "It is at an excluded version.", "headers": _headers([ETAG])}
    if "{id}" in path and handler.resolve_exception_handlers().get(Merged) is moved_response:
        content = {"application/json": {"schema": schemas.schema(Moved)}}
        moved = "The lead is a part of another one, which is there."
        successes["301"] = {"description": moved, "headers": _headers([LOCATION]), "content": content}
    return {**dict(sorted(successes.items())), **_problems(handler, method, schemas)}


def _success(
    response: dict[str, Any], handler: HTTPRouteHandler, method: str, status: int, *, is_usual: bool
) -> dict[str, Any]:
    headers = [
        header
        for header in handler.resolve_response_headers()
        if is_usual and (header != LOCATION or status == handler.status_code)
    ]
    if method == "POST":
        headers.append(IDEMPOTENCY_REPLAYED)
    completed = {"description": response["description"]}
    if headers:
        completed["headers"] = _headers(sorted(headers, key=lambda header: header.name))
    if download := handler.opt.get("download"):
        return {**completed, "content": _files(download)}
    if content := response.get("content"):
        return {**completed, "content": content}
    return completed


def _headers(headers: Iterable[Any]) -> dict[str, Any]:
    return {each.name: {"description": each.description, "schema": {"type": "string"}} for each in headers}


def _files(examples: Mapping[str, str]) -> dict[str, Any]:
    return {media_type: {"schema": {"type": "string"}, "example": example} for media_type, example in examples.items()}


def _problems(handler: HTTPRouteHandler, method: str, schemas: MsgspecSchemas) -> dict[str, Any]:
    raised = _raised(handler, method)
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


def _raised(handler: HTTPRouteHandler, method: str) -> set[Any]:
    raised = {*(handler.raises or ()), problems.MalformedRequest, problems.InternalError}
    if permission_of(handler.opt) is not None:
        raised |= {problems.Unauthorized, problems.Forbidden, problems.RateLimited, problems.Unavailable}
    if method == "POST":  # not found: a response about a lead that was deleted since
        raised |= {problems.IdempotencyKeyReused, problems.RequestInProgress, problems.NotFound}
    if "conditional" in handler.opt:
        raised.add(problems.PreconditionFailed)
    if handler.parsed_data_field is not None or "upload" in handler.opt:
        raised |= {problems.PayloadTooLarge, problems.RequestTimeout, problems.UnsupportedMediaType}
        raised.add(problems.ValidationFailed)
    return raised
