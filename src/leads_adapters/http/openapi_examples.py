"""Examples in the OpenAPI document: composed from those that stand beside the members in the schemas."""

from collections.abc import Iterator, Mapping
from typing import Any

from leads_adapters.http.problems import EXAMPLE_ID, MEDIA_TYPE, PROBLEM_TYPES, ProblemType

_BY_FORMAT = {"uuid": EXAMPLE_ID, "date-time": "2026-11-22T06:15:00.123456Z"}
_JSON = ("application/json", "application/merge-patch+json")
_PROBLEM = MEDIA_TYPE.decode()
_BY_TYPE: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}


def add_examples(document: Mapping[str, Any]) -> None:
    """Give every body an example, and every problem one for each of its types."""
    components = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for operation in item.values():
            for media_type, body in _bodies(operation):
                if media_type in _JSON or "examples" in body["schema"]:
                    body["example"] = example(body["schema"], components)
            for status, response in operation["responses"].items():
                if _PROBLEM in response.get("content", {}):
                    problems = _problem_examples(path, int(status), response["description"])
                    response["content"][_PROBLEM]["examples"] = problems


def example(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """A value that `schema` allows: its own example if it has one, else one made of its parts."""
    found: Any
    match schema:
        case {"examples": [found, *_]} | {"enum": [found, *_]} | {"minimum": found}:
            return found
        case {"$ref": reference}:
            return example(components[reference.rpartition("/")[2]], components)
        case {"anyOf": alternatives}:
            return example(next(each for each in alternatives if each.get("type") != "null"), components)
        case {"type": "object"}:
            return {name: example(member, components) for name, member in schema.get("properties", {}).items()}
        case {"type": "array", "items": item}:
            return [example(item, components)]
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", "null")))


def _bodies(operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from holder.get("content", {}).items()


def _problem_examples(path: str, status: int, names: str) -> dict[str, Any]:
    return {
        problem.name: {"summary": problem.title, "value": _problem(problem, path)}
        for problem in PROBLEM_TYPES.values()
        if problem.status == status and f"`{problem.name}`" in names
    }


def _problem(problem: ProblemType, path: str) -> dict[str, Any]:
    return {
        "type": problem.uri,
        "title": problem.title,
        "status": problem.status,
        "instance": path.replace("{id}", EXAMPLE_ID),
        **problem.example,
    }
