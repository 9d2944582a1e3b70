"""Complete the operations of the OpenAPI document that Litestar generates."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from inspect import getdoc
from typing import Any

from litestar.handlers import HTTPRouteHandler

from leads_adapters.http import problems
from leads_adapters.http.authentication import permission_of
from leads_adapters.http.form_bodies import FIELDS_MAX
from leads_adapters.http.openapi.parts import CONDITION_PARAMETERS, HEADERS, IDEMPOTENCY_PARAMETER, ORIGIN_PARAMETER
from leads_adapters.http.openapi.schemas import MsgspecSchemas
from leads_adapters.http.problem_responses import MEDIA_TYPE
from leads_adapters.http.problems import PROBLEMS, Problem
from leads_adapters.http.schemas.leads import Moved
from leads_domain.access import Role


def complete_operation(
    operation: dict[str, Any], handler: HTTPRouteHandler, path: str, method: str, schemas: MsgspecSchemas
) -> None:
    """Complete an operation in place."""
    summary, _, description = (getdoc(handler.fn) or "").partition("\n\n")
    notes = [" ".join(description.split())] if description else []
    permission = permission_of(handler.opt)
    if permission is None:
        operation["security"] = []
    else:
        roles = [role for role in Role if permission in role.permissions]
        operation["x-roles"] = roles
        notes.append(f"Requires an API key with the role {_alternatives(roles)}.")
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
    _complete_body(operation, handler)


def _complete_body(operation: dict[str, Any], handler: HTTPRouteHandler) -> None:
    if upload := handler.opt.get("upload"):
        operation["requestBody"] = {"required": True, "content": _files(upload)}
    elif form := handler.opt.get("form"):
        operation["requestBody"] = {"required": True, "content": _forms(form)}
    elif body := handler.opt.get("request_body"):
        operation["requestBody"] = body
    elif data := handler.parsed_data_field:
        operation["requestBody"]["required"] = not data.has_default
        for body in operation["requestBody"]["content"].values():
            body["schema"] = _without_null(body["schema"])


def _alternatives(roles: Sequence[Role]) -> str:
    *others, last = (f"`{role}`" for role in roles)
    return f"{', '.join(others)} or {last}" if others else last


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter with the description of its schema, because Swagger UI shows only that of the parameter."""
    schema = dict(_without_null(parameter["schema"]))
    description = schema.pop("description", parameter.get("description", ""))
    if "default" in parameter["schema"]:
        schema["default"] = parameter["schema"]["default"]
    named = {"name": parameter["name"], "in": parameter["in"], "required": parameter["required"]}
    return {**named, "description": description, "schema": schema}


def _without_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without null: it only shows that the parameter or the body can be omitted."""
    match schema:
        case {"oneOf": [schema_of_value, {"type": "null"}]}:
            return schema_of_value  # type: ignore[no-any-return]
        case {"enum": [*values, None]}:  # Litestar adds null to the values of a literal
            return {**schema, "enum": values}
    return schema


def _header_parameters(handler: HTTPRouteHandler, method: str) -> list[Mapping[str, Any]]:
    conditions = CONDITION_PARAMETERS if "conditional" in handler.opt else ()
    origin = [ORIGIN_PARAMETER] if "form" in handler.opt else []
    return [*conditions, *origin, *([IDEMPOTENCY_PARAMETER] if _is_idempotent(handler, method) else [])]


def _is_idempotent(handler: HTTPRouteHandler, method: str) -> bool:
    """Return whether the operation takes an `Idempotency-Key`, as every POST that needs an API key."""
    return method == "POST" and permission_of(handler.opt) is not None


def _responses(
    responses: Mapping[str, Any], handler: HTTPRouteHandler, path: str, method: str, schemas: MsgspecSchemas
) -> dict[str, Any]:
    successes = {
        status: _success(response, handler, int(status), schemas)
        for status, response in responses.items()
        if int(status) < HTTPStatus.MULTIPLE_CHOICES
    }
    if method == "GET" and "conditional" in handler.opt:
        successes["304"] = {"description": "The resource is at a version that `If-None-Match` names."}
    if "form" in handler.opt:
        successes |= _PAGES
    if path.startswith("/leads/{id}"):
        content = {"application/json": {"schema": schemas.schema(Moved)}}
        successes["301"] = {
            "description": "The lead was merged into another one, which `Location` names.",
            "content": content,
        }
    completed = {**dict(sorted(successes.items())), **_problems(handler, path, method, schemas)}
    for status, response in completed.items():
        if headers := _headers(response, handler, method, status):
            response["headers"] = headers
    return completed


_PAGE = {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>"}}
_PAGES: Mapping[str, Any] = {
    "200": {"description": "A browser gets a page that thanks the visitor.", "content": _PAGE},
    "303": {"description": "A browser is sent to the `redirect` of the form."},
}


def _success(
    response: Mapping[str, Any], handler: HTTPRouteHandler, status: int, schemas: MsgspecSchemas
) -> dict[str, Any]:
    """Return a response. Its description defaults to that of its schema."""
    description, content = response["description"], response.get("content") or {}
    if description == HTTPStatus(status).description:  # Litestar's default
        schema: dict[str, Any] = next((body["schema"] for body in content.values()), {})
        description = schemas.components.get(_name(response), schema).get("description") or description
    if download := handler.opt.get("download"):
        content = _files(download)
    return {"description": description, **({"content": content} if content else {})}


def _name(response: Mapping[str, Any]) -> str:
    """Return the name of the schema of a JSON response, if it has one."""
    reference: str = (response.get("content") or {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.rpartition("/")[2]


def _headers(response: Mapping[str, Any], handler: HTTPRouteHandler, method: str, status: str) -> dict[str, Any]:
    is_post, is_success = _is_idempotent(handler, method), status.startswith("2")
    needs_key = permission_of(handler.opt) is not None
    is_sent = {
        "Content-Disposition": is_success and "download" in handler.opt,
        "ETag": _name(response) in {"LeadView", "TaskView"}
        or status in {"304", "412"}
        or (method == "GET" and is_success and "conditional" in handler.opt),
        "Idempotency-Replayed": is_success and is_post,
        "Link": "PageView" in _name(response),
        "Location": status in {"301", "303"} or (is_post and status == str(handler.status_code) != "200"),
        "RateLimit": needs_key or status == "429",
        "RateLimit-Policy": needs_key or status == "429",
        "Retry-After": status in {"429", "503"} or (is_post and status == "409"),
        "WWW-Authenticate": status == "401",
    }
    return {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS if is_sent[name]}


def _files(examples: Mapping[str, str | None]) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}  # client generators map this to a file
    return {
        media_type: {"schema": schema} | ({"example": example} if example else {})
        for media_type, example in examples.items()
    }


def _forms(media_types: Iterable[str]) -> dict[str, Any]:
    example = {"name": "Ada Muster", "email": "ada@example.com", "message": "Do you deliver on Saturdays?"}
    schema = {"type": "object", "minProperties": 1, "maxProperties": FIELDS_MAX, "examples": [example]}
    return {media_type: {"schema": schema} for media_type in media_types}


def _problems(handler: HTTPRouteHandler, path: str, method: str, schemas: MsgspecSchemas) -> dict[str, Any]:
    raised = _raised(handler, path, method)
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in PROBLEMS.values():
        if problem in raised:
            by_status.setdefault(problem.status_code, []).append(problem)
    return {
        str(status): {
            "description": " / ".join(f"`{problem.name}`" for problem in of_status),
            "content": {
                MEDIA_TYPE: {"schema": _problem_schema(of_status, schemas)},
                **(_PAGE if handler.opt.keys() & {"form", "page"} else {}),
            },
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
    if _is_idempotent(handler, method):
        raised |= {problems.IdempotencyKeyReused, problems.RequestInProgress}
    if "{" in path or method == "POST":  # also a stored response about a lead that was erased since
        raised.add(problems.NotFound)
    if "conditional" in handler.opt:
        raised.add(problems.PreconditionFailed)
    if handler.parsed_data_field is not None or handler.opt.keys() & {"upload", "form"}:
        raised |= {problems.PayloadTooLarge, problems.RequestTimeout, problems.UnsupportedMediaType}
        raised.add(problems.ValidationFailed)
    return raised
