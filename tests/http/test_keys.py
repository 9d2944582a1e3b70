"""Test the resource /api-keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers

from leads_app.usage_recorder import UsageRecorder
from leads_domain.access import Role, digest, is_well_formed
from rest import JOHN, UNKNOWN_ID, Api, Service

FORM = {"name": "Web form", "role": "capture"}


@pytest.fixture
def admin(service: Service) -> Api:
    """Return a client with the role `admin` and a key named `boss`."""
    return service.client("admin", "boss")


def make(admin: Api, **members: object) -> Any:
    """Create an API key and return the response body."""
    return admin.post("/api-keys", {**FORM, **members}).expect(201).json


def test_a_new_key_is_shown_once(service: Service, admin: Api) -> None:
    response = admin.post("/api-keys", {"name": " Web form ", "role": "capture"}).expect(201)
    made = response.json
    assert is_well_formed(made["key"])
    assert made["key"].startswith("capture_")
    assert UUID(made["id"]).version == 7
    assert made == {
        "id": made["id"],
        "name": "Web form",
        "role": "capture",
        "created_at": "2026-01-05T12:00:00.000000Z",
        "last_used_at": None,
        "revoked_at": None,
        "key": made["key"],
    }
    assert response.headers["location"] == f"/api-keys/{made['id']}"
    known = {name: value for name, value in made.items() if name != "key"}
    assert admin.get(response.headers["location"]).expect(200).json == known
    assert known in admin.get("/api-keys").json["items"]


def test_a_repeated_request_shows_the_new_key_again(admin: Api) -> None:
    first, again = (admin.post("/api-keys", FORM, idempotency_key="1").expect(201) for _ in range(2))
    assert again.json == first.json
    assert len(admin.get("/api-keys").json["items"]) == 2


@pytest.mark.parametrize("role", list(Role))
def test_a_new_key_works_at_once(service: Service, admin: Api, role: Role) -> None:
    client = service.client_with(x_api_key=make(admin, role=role)["key"])
    client.get("/pipeline").expect(403 if role is Role.CAPTURE else 200)
    client.post("/leads", JOHN).expect({Role.CAPTURE: 202, Role.READ: 403}.get(role, 201))


def test_stored_keys_are_shown_without_text_and_digest(service: Service, admin: Api) -> None:
    made = make(admin)
    shown = (admin.get("/api-keys").body + admin.get(f"/api-keys/{made['id']}").body).decode()
    for secret in (made["key"], digest(made["key"]), "digest", '"key"'):
        assert secret not in shown


def test_responses_with_keys_are_not_cacheable(admin: Api) -> None:
    assert admin.post("/api-keys", FORM).headers["cache-control"] == "no-store"


def test_keys_are_listed_oldest_first_and_page_by_page(service: Service, admin: Api) -> None:
    for number in range(4):
        service.clock.advance(timedelta(seconds=1))
        make(admin, name=f"Key {number}")
    pages = [*admin.pages("/api-keys?limit=2")]
    assert [[key["name"] for key in page["items"]] for page in pages] == [
        ["boss", "Key 0"],
        ["Key 1", "Key 2"],
        ["Key 3"],
    ]
    assert pages[0].keys() == {"items", "next_cursor"}
    assert admin.get("/api-keys").json["next_cursor"] is None


def test_a_revoked_key_is_unauthorized_at_once_and_stays_listed(service: Service, admin: Api) -> None:
    made = make(admin, role="agent")
    client = service.client_with(x_api_key=made["key"])
    client.get("/pipeline").expect(200)
    later = service.clock.advance(timedelta(hours=1))
    response = admin.request("DELETE", f"/api-keys/{made['id']}").expect(204)
    assert response.body == b""
    client.get("/pipeline").expect_problem(401, "unauthorized")
    revoked_at = admin.get(f"/api-keys/{made['id']}").json["revoked_at"]
    assert revoked_at == f"{later:%Y-%m-%dT%H:%M:%S.%fZ}"


def test_repeating_a_revocation_has_no_effect(service: Service, admin: Api) -> None:
    path = f"/api-keys/{make(admin)['id']}"
    admin.request("DELETE", path).expect(204)
    before = admin.get(path).json
    service.clock.advance(timedelta(hours=1))
    admin.request("DELETE", path.upper().replace("/API-KEYS", "/api-keys")).expect(204)
    assert admin.get(path).json == before


@pytest.mark.parametrize("id", [UNKNOWN_ID, "1", "operator", "%00", "%F0%9F%92%A9"])
def test_an_unknown_key_id_is_not_found(admin: Api, id: str) -> None:
    for method in ("GET", "DELETE"):
        admin.request(method, f"/api-keys/{id}").expect_problem(404, "not-found")


def test_a_key_can_be_replaced_without_interruption(service: Service, admin: Api) -> None:
    old, new = make(admin, role="read"), make(admin, role="read")
    assert (old["name"], old["id"] == new["id"]) == (new["name"], False)
    clients = [service.client_with(x_api_key=each["key"]) for each in (old, new)]
    assert [client.get("/pipeline").status for client in clients] == [200, 200]
    admin.request("DELETE", f"/api-keys/{old['id']}").expect(204)
    assert [client.get("/pipeline").status for client in clients] == [401, 200]


def test_an_administrator_can_revoke_the_key_of_the_request(service: Service, admin: Api) -> None:
    (own,) = admin.get("/api-keys").json["items"]
    admin.request("DELETE", f"/api-keys/{own['id']}").expect(204)
    admin.get("/api-keys").expect_problem(401, "unauthorized")
    assert service.run(service.container.database().write(service.container.create_first_key())) is not None


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/name", "/role"}),
        ({"name": "x"}, {"/role"}),
        ({"name": "", "role": "boss"}, {"/name", "/role"}),
        ({"name": "x" * 101, "role": "read"}, {"/name"}),
        ({"name": "a\0b", "role": "read"}, {"/name"}),
        ({"name": " ", "role": None}, {"/name", "/role"}),
        ({"name": 5, "role": "READ"}, {"/name", "/role"}),
        ({"name": "x", "role": "read", "key": "swordfish", "id": UNKNOWN_ID}, {"/key", "/id"}),
    ],
)
def test_all_field_errors_of_a_key_are_reported_at_once(
    admin: Api, body: dict[str, object], pointers: set[str]
) -> None:
    errors = admin.post("/api-keys", body).errors()
    assert errors.keys() == pointers
    assert len(admin.get("/api-keys").json["items"]) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b'{"name": "\\ud800", "role": "read"}'])
def test_a_malformed_key_body_is_refused(admin: Api, body: bytes) -> None:
    assert admin.post("/api-keys", body).status in (400, 422)
    admin.post("/api-keys", FORM, content_type="text/plain").expect_problem(415, "unsupported-media-type")
    assert len(admin.get("/api-keys").json["items"]) == 1


# Last use


@pytest.fixture
def used(start: Callable[..., Service]) -> tuple[Service, Callable[[float], None]]:
    """Return a service and a function that advances its clock."""
    service = start()
    seconds = [0.0]
    use = UsageRecorder(service.container.database(), service.clock, lambda: seconds[0])
    service.container.usage_recorder.override(providers.Object(use))

    def wait(by: float) -> None:
        seconds[0] += by
        service.clock.advance(timedelta(seconds=by))

    return service, wait


def last_use(service: Service, key_id: str) -> Any:
    """Return the last use of a key, after background work has finished."""
    service.finish_background_work()
    return service.client("admin").get(f"/api-keys/{key_id}").expect(200).json["last_used_at"]


def test_the_last_use_of_a_key_is_shown_to_the_minute(used: tuple[Service, Callable[[float], None]]) -> None:
    service, wait = used
    id, text = service.new_key("read")
    client = service.client_with(x_api_key=text)
    assert last_use(service, id) is None
    client.get("/pipeline").expect(200)
    assert last_use(service, id) == "2026-01-05T12:00:00.000000Z"
    wait(59.9)
    client.get("/pipeline").expect(200)
    assert last_use(service, id) == "2026-01-05T12:00:00.000000Z"
    wait(0.1)
    client.get("/pipeline").expect(200)
    assert last_use(service, id) == "2026-01-05T12:01:00.000000Z"


def test_a_refused_request_is_a_use_of_its_key(used: tuple[Service, Callable[[float], None]]) -> None:
    service, _ = used
    id, text = service.new_key("read")
    service.client_with(x_api_key=text).post("/leads", JOHN).expect_problem(403, "forbidden")
    assert last_use(service, id) is not None


def test_a_rate_limited_request_is_no_use_of_its_key(used: tuple[Service, Callable[[float], None]]) -> None:
    service, _ = used
    id, text = service.new_key("read")
    service.revoke(id)
    service.client_with(x_api_key=text).get("/pipeline").expect(401)
    assert last_use(service, id) is None
