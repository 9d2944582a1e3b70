"""Add examples to the OpenAPI document, composed from the examples of the fields in the schemas."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from leads_adapters.http.problem_responses import MEDIA_TYPE
from leads_adapters.http.problems import EXAMPLE_ID, PROBLEMS, Problem
from leads_adapters.http.schemas.service import pipeline_view
from leads_domain.pipeline import Pipeline

EXAMPLE_TIME = "2030-01-15T09:30:00Z"
"""A time far in the future, so that the example of a follow-up is not sent at once."""

_BY_FORMAT = {"uuid": EXAMPLE_ID, "date-time": EXAMPLE_TIME}
_JSON = ("application/json",)
_PROBLEM = MEDIA_TYPE
_BY_TYPE: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}


def add_examples(document: Mapping[str, Any]) -> None:
    """Add an example to each body, and one for each type of problem to each response with problems."""
    components = document["components"]["schemas"]
    for path, item in (*document["paths"].items(), *document["webhooks"].items()):
        for operation in item.values():
            for media_type, body in _bodies(operation):
                if media_type in _JSON or "examples" in body["schema"]:
                    body["example"] = example(body["schema"], components)
            for status, response in operation["responses"].items():
                if _PROBLEM in response.get("content", {}):
                    problems = _problem_examples(path, int(status), response["description"], components)
                    response["content"][_PROBLEM]["examples"] = problems


def pipeline_examples(pipeline: Pipeline) -> Mapping[str, Any]:
    """Return the examples that depend on the pipeline: the pipeline itself, and a patch that suits every new lead."""
    status = next(iter(pipeline.transitions[pipeline.initial]), pipeline.initial)
    reason = {"status_reason": "too expensive"} if status in pipeline.reason_required else {}
    patch = {"status": status, **reason, "owner": "sales@example.com", "attributes": {"company": "ACME", "fax": None}}
    return {"PipelineView": msgspec.to_builtins(pipeline_view(pipeline)), "LeadPatch": patch}


def example(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """Return an example of a schema: its own, or one composed from its parts."""
    found: Any
    match schema:
        case {"examples": [found, *_]} | {"enum": [found, *_]} | {"minimum": found}:
            return found
        case {"$ref": reference}:
            return example(components[reference.rpartition("/")[2]], components)
        case {"anyOf": alternatives}:
            return example(next(each for each in alternatives if each.get("type") != "null"), components)
        case {"type": "object"}:
            return {name: example(field, components) for name, field in schema.get("properties", {}).items()}
        case {"type": "array", "items": item}:
            return [example(item, components)]
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", "null")))


def _bodies(operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from holder.get("content", {}).items()


def _problem_examples(path: str, status: int, names: str, components: Mapping[str, Any]) -> dict[str, Any]:
    return {
        problem.name: {"summary": problem.title, "value": _problem(problem, path, components)}
        for problem in PROBLEMS.values()
        if problem.status_code == status and f"`{problem.name}`" in names
    }


def _problem(problem: type[Problem], path: str, components: Mapping[str, Any]) -> dict[str, Any]:
    fields = example(components[problem.schema.__name__], components)
    return {**fields, **problem(problem.example).content(path.replace("{id}", EXAMPLE_ID))}
