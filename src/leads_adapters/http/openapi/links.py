"""Link responses with the id of a new resource to the operations on that resource."""

from collections.abc import Mapping
from typing import Any

_CREATED_RESOURCES: Mapping[tuple[str, str], str] = {
    ("/leads", "201"): "/leads/{id}",
    ("/leads/{id}/follow-up", "202"): "/follow-ups/{id}",
    ("/leads/{id}/tasks", "201"): "/tasks/{id}",
    ("/api-keys", "201"): "/api-keys/{id}",
    ("/calendars", "201"): "/calendars/{id}",
}
"""The path of the resource that a POST to a path creates, by path and status code of the response."""


def add_links(paths: Mapping[str, Any]) -> None:
    """Link responses to the operations on the new resource and on its subresources."""
    for (path, status), resource in _CREATED_RESOURCES.items():
        names = [
            operation["operationId"]
            for target, item in paths.items()
            if target.startswith(resource)
            for operation in item.values()
        ]
        paths[path]["post"]["responses"][status]["links"] = {
            name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in names
        }
