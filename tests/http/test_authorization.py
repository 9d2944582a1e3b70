"""Who may do what: every operation of the OpenAPI document, asked by every role, and by whoever has no key that works.

The requests are made from the document: paths filled with the ids of what is there, bodies from the examples.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from leads_domain.access import Role, make_key_text
from rest import JOHN, UNKNOWN_ID, Api, Response, Service

PUBLIC = "public"

LEAST = {
    "postLeads": "capture",
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
    "postLeadsIdFollowUp": "agent",
    "getLeadsIdFollowUps": "read",
    "getFollowUps": "read",
    "getFollowUpsId": "read",
    "patchFollowUpsId": "agent",
    "postFollowUpsIdCancel": "agent",
    "postFollowUpsIdRetry": "agent",
    "getEvents": "read",
    "getStatistics": "read",
    "getPipeline": "read",
    "getMetrics": "read",
    "postApiKeys": "admin",
    "getApiKeys": "admin",
    "getApiKeysId": "admin",
    "deleteApiKeysId": "admin",
    "getHealthLive": PUBLIC,
    "getHealthReady": PUBLIC,
}
"""The least role that may carry an operation out, by its operationId. Whoever adds an operation decides it here."""

PERMITTED = {
    "capture": {"capture", "agent", "admin"},  # a read key adds nothing
    "read": {"read", "agent", "admin"},
    "agent": {"agent", "admin"},
    "admin": {"admin"},
}
"""Who may do what the least role may do."""


@dataclass(frozen=True)
class Documented:
    """An operation of the document. `body` is an example of what it reads."""

    name: str
    method: str
    path: str
    roles: list[str] | None
    body: object = None
    media_type: str = ""

    def sent(self, client: Api, id: str = UNKNOWN_ID, query: str = "") -> Response:
        """What it answers to this client, about what has this id."""
        headers = {"content_type": self.media_type} if self.media_type else {}
        return client.request(self.method, self.path.replace("{id}", id) + query, self.body, headers=headers)

    @property
    def least(self) -> str:
        """The decision about it."""
        return LEAST[self.name]


@pytest.fixture
def operations(shared_service: Service) -> list[Documented]:
    """All that there are; HEAD, too, which the document need not name."""
    document = shared_service.anonymous().get("/openapi.json").expect(200).json
    return [*documented(document)]


def documented(document: Any) -> Iterator[Documented]:
    """The operations of the document."""
    for path, item in document["paths"].items():
        for method, told in item.items():
            operation = partial(Documented, told["operationId"], path=path, roles=told.get("x-roles"))
            [*content] = told.get("requestBody", {}).get("content", {}).items()
            media_type, told_of_body = content[0] if content else ("", {})
            body = told_of_body.get("example")
            sent = body.encode() if isinstance(body, str) else body  # a file is sent as it is
            yield operation(method=method.upper(), body=sent, media_type=media_type)
            if method == "get":
                yield operation(method="HEAD")


def a_lead(service: Service) -> str:
    """The id of a new lead."""
    number = next(_numbers)
    lead = service.client("agent").post("/leads", {**JOHN, "email": f"{number}@example.com"}).expect(201)
    id: str = lead.json["id"]
    return id


def a_follow_up(service: Service) -> str:
    """The id of a new follow-up."""
    id: str = service.client("agent").post(f"/leads/{a_lead(service)}/follow-up").expect(202).json["id"]
    return id


def a_key(service: Service) -> str:
    """The id of a new key."""
    return service.new_key("read")[0]


_numbers = iter(range(1_000_000))
THERE: Mapping[str, Callable[[Service], str]] = {"leads": a_lead, "follow-ups": a_follow_up, "api-keys": a_key}
"""How to make what the ids in a path are of, by the path's first part."""


def there(service: Service, operation: Documented) -> str:
    """The id of something that the operation can be carried out on."""
    return THERE[operation.path.split("/")[1]](service) if "{id}" in operation.path else UNKNOWN_ID


def told(refused: Response) -> dict[str, Any]:
    """What a refusal tells, without the path, which the client knows already."""
    return {name: value for name, value in refused.json.items() if name != "instance"} if refused.body else {}


def test_of_every_operation_it_is_decided_who_may_carry_it_out(operations: list[Documented]) -> None:
    assert {operation.name for operation in operations} == LEAST.keys()


def test_the_document_names_the_roles_that_may(operations: list[Documented], shared_service: Service) -> None:
    document = shared_service.anonymous().get("/openapi.json").json
    for operation in operations:
        if operation.method == "HEAD":
            continue
        described = document["paths"][operation.path][operation.method.lower()]
        if operation.least == PUBLIC:
            assert (described["security"], operation.roles) == ([], None)
        else:
            assert operation.roles is not None
            assert {*operation.roles} == PERMITTED[operation.least]
            assert "security" not in described
            *others, last = (f"`{role}`" for role in operation.roles)
            named = f"{', '.join(others)} or {last}" if others else last
            assert f"role {named}." in described["description"]


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_was_decided_and_nothing_else(
    shared_service: Service, operations: list[Documented], role: Role
) -> None:
    client = shared_service.client(role)
    for operation in operations:
        answer = operation.sent(client, there(shared_service, operation))
        if operation.least == PUBLIC or role in PERMITTED[operation.least]:
            assert answer.status < 500, answer
            assert answer.status not in (401, 403, 404, 405), answer
        elif operation.method == "HEAD":
            answer.expect(403)
        else:
            refused = answer.expect_problem(403, "forbidden")
            assert refused["role"] == operation.least
            assert f"The role `{operation.least}` permits it." in refused["detail"]


@pytest.mark.parametrize("role", list(Role))
def test_who_may_not_do_something_does_not_learn_what_is_there(
    shared_service: Service, operations: list[Documented], role: Role
) -> None:
    client = shared_service.client(role)
    forbidden = [each for each in operations if each.least != PUBLIC and role not in PERMITTED[each.least]]
    for operation in forbidden:
        id = there(shared_service, operation)
        answers = [
            operation.sent(client, id),
            operation.sent(client),
            operation.sent(client, "no-id"),
            operation.sent(client, id, "?foo=1"),
            client.request(operation.method, operation.path.replace("{id}", id), b"{"),
        ]
        assert [answer.status for answer in answers] == [403] * len(answers)
        assert all(told(answer) == told(answers[0]) for answer in answers)
        assert {*map(frozenset, (answer.headers.keys() for answer in answers))} == {frozenset(answers[0].headers)}
    assert len(forbidden) >= (0 if role is Role.ADMIN else 4)


def test_what_may_be_looked_for_and_is_not_there_is_not_found(
    shared_service: Service, operations: list[Documented]
) -> None:
    admin = shared_service.client("admin")
    for operation in operations:
        if "{id}" in operation.path:
            operation.sent(admin).expect(404)


@pytest.mark.parametrize("key", ["none", "malformed", "unknown", "revoked"])
def test_without_a_key_that_works_only_what_is_public_can_be_had(
    shared_service: Service, operations: list[Documented], key: str
) -> None:
    id, text = shared_service.new_key("admin")
    shared_service.revoke(id)
    keys = {"none": "", "malformed": text[:-1], "unknown": make_key_text(Role.ADMIN, b"\x07" * 32), "revoked": text}
    client = shared_service.client_with(x_api_key=keys[key])
    for operation in operations:
        if operation.least == PUBLIC:
            operation.sent(client).expect(200)
            continue
        refused = [operation.sent(client, there(shared_service, operation)), operation.sent(client)]
        assert [answer.status for answer in refused] == [401, 401]
        assert told(refused[0]) == told(refused[1])
        if operation.method != "HEAD":
            refused[0].expect_problem(401, "unauthorized")


def test_what_is_refused_is_not_done(service: Service) -> None:
    agent = service.client("agent")
    john = agent.post("/leads", JOHN).headers["location"]
    before = agent.get("/leads").json
    reader = service.client("read")
    reader.post("/leads", {**JOHN, "email": "jane@example.com"}).expect_problem(403, "forbidden")
    reader.patch(john, {"name": "Mallory"}).expect_problem(403, "forbidden")
    service.anonymous().post(f"{john}/follow-up").expect_problem(401, "unauthorized")
    assert agent.get("/leads").json == before
    assert agent.get(f"{john}/follow-ups").json["items"] == []
