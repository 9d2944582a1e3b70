"""Test with random requests that the service always responds in JSON and never fails."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from rest import ON_BOTH_DATABASES, Api, Response, Service

pytestmark = ON_BOTH_DATABASES

TASK = {"text": "Call", "due_at": "2026-02-01T12:00:00Z", "assignee": "mia@example.com"}
VALID: dict[str, dict[str, Any]] = {
    "POST /leads": {
        "name": "Jane Roe",
        "email": "jane@example.com",
        "phone": "+49 30 123456",
        "source": "fair",
        "owner": "sales@example.com",
        "attributes": {"company": "ACME", "size": 12},
    },
    "PATCH {john}": {
        "name": "John B. Doe",
        "email": "john.doe@example.com",
        "phone": None,
        "status": "contacted",
        "status_reason": "called",
        "source": None,
        "owner": None,
        "attributes": {"company": None},
    },
    "POST {john}/follow-up": {
        "channel": "log",
        "message": "Shall we talk?",
        "due_at": "2026-02-01T12:00:00Z",
        "recipient": "lead",
    },
    "POST {john}/tasks": {**TASK, "remind": True},
    "PATCH {task}": {**TASK, "text": "Write"},
    "POST {task}/complete": {
        "outcome": "Reached",
        "status": "contacted",
        "status_reason": "called",
        "next": {"text": "Write", "due_at": "2027-02-01T12:00:00Z"},
    },
    "PATCH {follow_up}": {"due_at": "2027-02-01T12:00:00Z", "message": "Shall we talk?"},
}
PATHS = ["/leads", "{lead}", "{lead}/timeline", "{lead}/follow-ups", "/follow-ups", "/pipeline"]
PATHS += ["{lead}/tasks", "/tasks"]
QUERY_PARAMETERS = ["limit", "cursor", "status", "email", "sort", "state", "overdue", "due_before", "channel", "after"]
QUERY_PARAMETERS += ["due_from", "assignee"]
OPERATIONS = st.sampled_from(sorted(VALID))
JSON_VALUES: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([2**63, 2**64, 10**400, "\0", "", "lost", "sms", "owner", "new@example.com", "+1 202 555 0123"])
    | st.datetimes().map(lambda time: time.isoformat())
    | st.datetimes().map(lambda time: time.isoformat() + "Z"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
HEADER_VALUES = st.text(st.characters(max_codepoint=255), max_size=40)


def send(client: Api, lead: str, operation: str, body: bytes) -> None:
    """Send a request and check the response."""
    follow_up = client.get(f"{lead}/follow-ups?limit=1").json["items"] or [client.post(f"{lead}/follow-up").json]
    task = client.get(f"{lead}/tasks?limit=1&state=open").json["items"] or [client.post(f"{lead}/tasks", TASK).json]
    paths = {"john": lead, "follow_up": f"/follow-ups/{follow_up[0]['id']}", "task": f"/tasks/{task[0]['id']}"}
    method, path = operation.format(**paths).split()
    check(client.request(method, path, body))


def check(response: Response) -> None:
    """Check that a response is a success or a client error."""
    assert response.status < 500, response
    if response.status >= 400:
        response.expect_problem(response.status, response.json["type"].removeprefix("/problems/"))
    else:
        assert response.headers["content-type"] == "application/json"
        assert response.json


@given(operation=OPERATIONS, body=st.binary(max_size=200))
def test_any_bytes_get_a_json_response(shared_client: Api, shared_lead: str, operation: str, body: bytes) -> None:
    send(shared_client, shared_lead, operation, body)


@given(operation=OPERATIONS, body=JSON_VALUES)
def test_any_json_gets_a_response(shared_client: Api, shared_lead: str, operation: str, body: Any) -> None:
    send(shared_client, shared_lead, operation, json.dumps(body).encode())


@given(operation=OPERATIONS, data=st.data())
def test_any_value_of_a_field_gets_a_response(
    shared_client: Api, shared_lead: str, operation: str, data: DataObject
) -> None:
    body = dict(VALID[operation])
    names = st.sampled_from(sorted(body)) | st.text(max_size=8)
    for name in data.draw(st.lists(names, min_size=1, max_size=3)):
        body[name] = data.draw(JSON_VALUES)
    for name in data.draw(st.sets(st.sampled_from(sorted(VALID[operation])), max_size=2)):
        body.pop(name, None)
    send(shared_client, shared_lead, operation, json.dumps(body).encode())


@given(operation=OPERATIONS, data=st.data())
def test_a_damaged_body_gets_a_response(shared_client: Api, shared_lead: str, operation: str, data: DataObject) -> None:
    body = bytearray(json.dumps(VALID[operation]).encode())
    indexes = st.integers(min_value=0, max_value=len(body) - 1)
    for index, byte in data.draw(st.dictionaries(indexes, st.integers(0, 255), min_size=1, max_size=4)).items():
        body[index] = byte
    start, end = sorted(data.draw(st.tuples(indexes, indexes)))
    cut = data.draw(st.booleans())
    send(shared_client, shared_lead, operation, bytes(body[:start] + body[end:] if cut else body))


@given(
    path=st.sampled_from(PATHS),
    query=st.lists(
        st.tuples(
            st.sampled_from(QUERY_PARAMETERS) | st.text(max_size=8),
            st.sampled_from(["1", "new", "null", "-created_at", "sent", "true", "2026-01-05T12:00:00Z", "\0"])
            | st.text(max_size=20),
        ),
        max_size=4,
    ),
)
def test_any_query_gets_a_response(
    shared_client: Api, shared_lead: str, path: str, query: list[tuple[str, str]]
) -> None:
    encoded = "&".join(f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in query)
    check(shared_client.get(f"{path.format(lead=shared_lead)}?{encoded}"))


@given(query=st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_bytes_in_a_query_get_a_response(shared_client: Api, query: str) -> None:
    check(shared_client.get(f"/leads?{query}"))
    check(shared_client.get(f"/follow-ups?{query}"))


@given(path=st.text(max_size=40))
def test_any_path_gets_a_response(shared_client: Api, path: str) -> None:
    for prefix in ("/", "/leads/", "/follow-ups/", "/problems/", "/docs/"):
        response = shared_client.get(f"{prefix}{quote(path, errors='replace')}")
        assert response.status in (200, 307, 404)


@given(name=st.sampled_from(["content-type", "x-request-id", "authorization", "accept"]), value=HEADER_VALUES)
def test_any_header_gets_a_response(shared_client: Api, shared_lead: str, name: str, value: str) -> None:
    check(shared_client.patch(shared_lead, {}, **{name: value}))


@given(
    name=st.sampled_from(["x-api-key", "authorization"]), scheme=st.sampled_from(["", "Bearer "]), value=HEADER_VALUES
)
def test_any_text_as_a_key_is_unauthorized(shared_service: Service, name: str, scheme: str, value: str) -> None:
    shared_service.anonymous().get("/pipeline", **{name: scheme + value}).expect_problem(401, "unauthorized")


@given(chunks=st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_any_chunks_get_a_response(shared_client: Api, shared_lead: str, chunks: list[bytes]) -> None:
    check(shared_client.request("PATCH", shared_lead, chunks=chunks))
