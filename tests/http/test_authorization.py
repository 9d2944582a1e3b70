"""Test the permissions of every role, and of requests without a valid key, for every operation.

The requests are made from the document: paths filled with the ids of what is there, bodies from the examples.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from leads_domain.access import Role, make_key_text
from rest import JOHN, UNKNOWN_ID, Api, Response, Service

PUBLIC = "public"

MINIMUM_ROLES = {
    "postLeads": "capture",
    "postEnquiries": "capture",
    "getLeads": "read",
    "postLeadsImport": "admin",
    "getLeadsExport": "admin",
    "getLeadsId": "read",
    "patchLeadsId": "agent",
    "deleteLeadsId": "admin",
    "getLeadsIdExport": "admin",
    "getLeadsIdTimeline": "read",
    "postLeadsIdNotes": "agent",
    "postLeadsIdMerge": "agent",
    "getLeadsIdSimilar": "read",
    "postLeadsIdDistinct": "agent",
    "postLeadsIdFollowUp": "agent",
    "getLeadsIdFollowUps": "read",
    "getFollowUps": "read",
    "getFollowUpsId": "read",
    "patchFollowUpsId": "agent",
    "postFollowUpsIdCancel": "agent",
    "postFollowUpsIdRetry": "agent",
    "postLeadsIdTasks": "agent",
    "getLeadsIdTasks": "read",
    "getTasks": "read",
    "getTasksId": "read",
    "patchTasksId": "agent",
    "postTasksIdComplete": "agent",
    "postTasksIdCancel": "agent",
    "getSubmissions": "agent",
    "getSubmissionsId": "agent",
    "postSubmissionsIdAccept": "agent",
    "postSubmissionsIdDiscard": "agent",
    "getEvents": "read",
    "getStatistics": "read",
    "getPipeline": "read",
    "getMetrics": "read",
    "postCalendars": "agent",
    "getCalendars": "agent",
    "getCalendarsId": "agent",
    "deleteCalendarsId": "agent",
    "getCalendarSecret": PUBLIC,
    "postApiKeys": "admin",
    "getApiKeys": "admin",
    "getApiKeysId": "admin",
    "deleteApiKeysId": "admin",
    "postFormsForm": PUBLIC,
    "getUnsubscribeToken": PUBLIC,
    "postUnsubscribeToken": PUBLIC,
    "getHealthLive": PUBLIC,
    "getHealthReady": PUBLIC,
}
"""The minimum role of each operation, by operationId. Add new operations here."""

PERMITTED = {
    "capture": {"capture", "agent", "admin"},  # a read key adds nothing
    "read": {"read", "agent", "admin"},
    "agent": {"agent", "admin"},
    "admin": {"admin"},
}
"""The roles permitted by each minimum role."""


@dataclass(frozen=True)
class Operation:
    """An operation of the OpenAPI document, with an example of its body."""

    name: str
    method: str
    path: str
    roles: list[str] | None
    body: object = None
    media_type: str = ""

    def send_by(self, client: Api, id: str = UNKNOWN_ID, query: str = "") -> Response:
        """Send the operation as `client` for the resource with this id, and return the response."""
        headers = {"content_type": self.media_type} if self.media_type else {}
        path = self.path.replace("{id}", id).replace("{form}", "contact").replace("{secret}", id).replace("{token}", id)
        return client.request(self.method, path + query, self.body, headers=headers)

    @property
    def minimum_role(self) -> str:
        """The minimum role of the operation, or `PUBLIC`."""
        return MINIMUM_ROLES[self.name]


@pytest.fixture
def operations(shared_service: Service) -> list[Operation]:
    """Return all operations, with HEAD, which the document omits."""
    document = shared_service.anonymous().get("/openapi.json").expect(200).json
    return [*operations_of(document)]


def operations_of(document: Any) -> Iterator[Operation]:
    """Yield the operations of the document."""
    for path, item in document["paths"].items():
        for method, body_of in item.items():
            operation = partial(Operation, body_of["operationId"], path=path, roles=body_of.get("x-roles"))
            [*content] = body_of.get("requestBody", {}).get("content", {}).items()
            media_type, body_problem = content[-1] if content else ("", {})
            body = body_problem.get("example")
            sent = body.encode() if isinstance(body, str) else body  # a file is sent unchanged
            yield operation(method=method.upper(), body=sent, media_type=media_type)
            if method == "get":
                yield operation(method="HEAD")


def a_lead(service: Service) -> str:
    """Create a lead and return its id."""
    number = next(_numbers)
    lead = service.client("agent").post("/leads", {**JOHN, "email": f"{number}@example.com"}).expect(201)
    id: str = lead.json["id"]
    return id


def a_follow_up(service: Service) -> str:
    """Create a follow-up and return its id."""
    id: str = service.client("agent").post(f"/leads/{a_lead(service)}/follow-up").expect(202).json["id"]
    return id


def a_task(service: Service) -> str:
    """Create a task and return its id."""
    task = {"text": "Call", "due_at": "2030-01-15T09:30:00Z", "assignee": "mia@example.com"}
    id: str = service.client("agent").post(f"/leads/{a_lead(service)}/tasks", task).expect(201).json["id"]
    return id


def a_submission(service: Service) -> str:
    """Receive a submission and return its id."""
    return service.receive(content={"number": str(next(_numbers))}).rpartition("/")[2]


def a_key(service: Service) -> str:
    """Create an API key and return its id."""
    return service.new_key("read")[0]


def a_calendar(service: Service) -> str:
    """Create a calendar and return its id."""
    id: str = service.client().post("/calendars", {"owner": "mia@example.com"}).expect(201).json["id"]
    return id


def a_secret(service: Service) -> str:
    """Create a calendar and return the secret in its URL."""
    url: str = service.client().post("/calendars", {"owner": "mia@example.com"}).expect(201).json["url"]
    return url.rpartition("/")[2].removesuffix(".ics")


def a_token(service: Service) -> str:
    """Create a lead and return the token in its unsubscribe link."""
    return service.token_of(a_lead(service))


_numbers = iter(range(1_000_000))
CREATE: Mapping[str, Callable[[Service], str]] = {
    "leads": a_lead,
    "follow-ups": a_follow_up,
    "tasks": a_task,
    "submissions": a_submission,
    "api-keys": a_key,
    "calendars": a_calendar,
    "calendar": a_secret,
    "unsubscribe": a_token,
}
"""A function that creates a resource, for each first segment of a path."""


def existing_id(service: Service, operation: Operation) -> str:
    """Create a resource for the operation, if its path has an id, and return the id."""
    needs_one = re.search("{(id|secret|token)}", operation.path)
    return CREATE[operation.path.split("/")[1]](service) if needs_one else UNKNOWN_ID


def body_of(refused: Response) -> dict[str, Any]:
    """Return the body of a refused request without `instance`, the path of the request."""
    return {name: value for name, value in refused.json.items() if name != "instance"} if refused.body else {}


def test_every_operation_has_a_minimum_role(operations: list[Operation]) -> None:
    assert {operation.name for operation in operations} == MINIMUM_ROLES.keys()


def test_the_document_names_the_permitted_roles(operations: list[Operation], shared_service: Service) -> None:
    document = shared_service.anonymous().get("/openapi.json").json
    for operation in operations:
        if operation.method == "HEAD":
            continue
        described = document["paths"][operation.path][operation.method.lower()]
        if operation.minimum_role == PUBLIC:
            assert (described["security"], operation.roles) == ([], None)
        else:
            assert operation.roles is not None
            assert {*operation.roles} == PERMITTED[operation.minimum_role]
            assert "security" not in described
            *others, last = (f"`{role}`" for role in operation.roles)
            named = f"{', '.join(others)} or {last}" if others else last
            assert f"role {named}." in described["description"]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_has_exactly_its_permissions(shared_service: Service, operations: list[Operation], role: Role) -> None:
    client = shared_service.client(role)
    for operation in operations:
        response = operation.send_by(client, existing_id(shared_service, operation))
        if operation.minimum_role == PUBLIC or role in PERMITTED[operation.minimum_role]:
            assert response.status < 500, response
            assert response.status not in (401, 403, 404, 405), response
        elif operation.method == "HEAD":
            response.expect(403)
        else:
            refused = response.expect_problem(403, "forbidden")
            assert refused["role"] == operation.minimum_role
            assert f"The role `{operation.minimum_role}` permits it." in refused["detail"]


@pytest.mark.parametrize("role", list(Role))
def test_a_403_does_not_reveal_what_exists(shared_service: Service, operations: list[Operation], role: Role) -> None:
    client = shared_service.client(role)
    forbidden = [
        each for each in operations if each.minimum_role != PUBLIC and role not in PERMITTED[each.minimum_role]
    ]
    for operation in forbidden:
        id = existing_id(shared_service, operation)
        responses = [
            operation.send_by(client, id),
            operation.send_by(client),
            operation.send_by(client, "no-id"),
            operation.send_by(client, id, "?foo=1"),
            client.request(operation.method, operation.path.replace("{id}", id), b"{"),
        ]
        assert [response.status for response in responses] == [403] * len(responses)
        assert all(body_of(response) == body_of(responses[0]) for response in responses)
        # The connection of a request with a body is closed.
        names = [response.headers.keys() - {"connection"} for response in responses]
        assert all(each == names[0] for each in names)
    assert len(forbidden) >= (0 if role is Role.ADMIN else 4)


def test_an_unknown_id_is_not_found(shared_service: Service, operations: list[Operation]) -> None:
    admin = shared_service.client("admin")
    for operation in operations:
        if "{id}" in operation.path:
            operation.send_by(admin).expect(404)


@pytest.mark.parametrize("key", ["none", "malformed", "unknown", "revoked"])
def test_without_a_valid_key_only_public_operations_are_permitted(
    shared_service: Service, operations: list[Operation], key: str
) -> None:
    id, text = shared_service.new_key("admin")
    shared_service.revoke(id)
    keys = {"none": "", "malformed": text[:-1], "unknown": make_key_text(Role.ADMIN, b"\x07" * 32), "revoked": text}
    client = shared_service.client_with(x_api_key=keys[key])
    for operation in operations:
        if operation.minimum_role == PUBLIC:
            assert operation.send_by(client, existing_id(shared_service, operation)).status in (200, 202)
            continue
        refused = [operation.send_by(client, existing_id(shared_service, operation)), operation.send_by(client)]
        assert [response.status for response in refused] == [401, 401]
        assert body_of(refused[0]) == body_of(refused[1])
        if operation.method != "HEAD":
            refused[0].expect_problem(401, "unauthorized")


def test_a_refused_request_has_no_effect(service: Service) -> None:
    agent = service.client("agent")
    john = agent.post("/leads", JOHN).headers["location"]
    before = agent.get("/leads").json
    reader = service.client("read")
    reader.post("/leads", {**JOHN, "email": "jane@example.com"}).expect_problem(403, "forbidden")
    reader.patch(john, {"name": "Mallory"}).expect_problem(403, "forbidden")
    service.anonymous().post(f"{john}/follow-up").expect_problem(401, "unauthorized")
    assert agent.get("/leads").json == before
    assert agent.get(f"{john}/follow-ups").json["items"] == []
