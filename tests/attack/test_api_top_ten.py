"""Try the OWASP API Security Top 10 (2023) on the installed service. docs/security.md lists further tests of each."""

import httpx
import pytest

from attack.target import Target
from e2e.service import Service, eventually
from rest import UNKNOWN_ID

ERRORS = (400, 401, 403, 404, 405, 415, 422)
MARK = "kryptonite"


def client(service: Service, role: str | None, **headers: str) -> httpx.Client:
    """Return a client with a new key of this role, or without a key."""
    if role:
        headers["x-api-key"] = service.post("/api-keys", {"name": role, "role": role}).expect(201).json["key"]
    return httpx.Client(base_url=service.url, headers=headers, timeout=20, trust_env=False)


@pytest.fixture
def lead(service: Service, request: pytest.FixtureRequest) -> str:
    """Store a lead, and return its path."""
    new = {"name": "Ada", "email": f"{request.node.originalname}@example.com"}
    return str(service.post("/leads?on_duplicate=return", new).headers["location"])


def test_api1_object_level_a_client_learns_nothing_about_objects_that_it_may_not_see(
    service: Service, lead: str
) -> None:
    follow_up = service.post(f"{lead}/follow-up").expect(202).headers["location"]
    with client(service, "capture") as capture:
        for path in (lead, f"{lead}/timeline", follow_up):
            existing, unknown = (capture.get(each) for each in (path, path.replace(path.split("/")[2], UNKNOWN_ID)))
            assert (existing.status_code, unknown.status_code) == (403, 403)
            assert existing.json()["detail"] == unknown.json()["detail"]


def test_api2_authentication_no_guess_and_no_other_place_is_a_key(service: Service) -> None:
    key = service.site.key
    guesses = ["' OR '1'='1", "admin", "admin_" + "0" * 64, key[:-1], key.upper(), key[::-1], "*", "null", "%", "\x7f"]
    with client(service, None) as anonymous:
        for guess in guesses:
            assert anonymous.get("/leads", headers={"x-api-key": guess}).status_code in {400, 401}
        for elsewhere in (f"/leads?api_key={key}", f"/leads?x-api-key={key}"):
            assert anonymous.get(elsewhere).status_code in {400, 401}
        assert anonymous.get("/leads", headers={"cookie": f"x-api-key={key}"}).status_code == 401
        assert anonymous.get("/leads", auth=("admin", key)).status_code == 401
    assert key not in service.err


def test_api3_property_level_no_client_sets_what_the_service_sets(service: Service, lead: str) -> None:
    own = {
        "id": UNKNOWN_ID,
        "version": 9,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": None,
        "contacted_at": None,
    }
    for field, value in {**own, "identity": "x", "role": "admin", "__proto__": {}}.items():
        assert service.patch(lead, {field: value}).status == 422
        assert service.post("/leads", {"name": "X", "email": "x@example.com", field: value}).status == 422
    with client(service, "capture") as capture:
        sent = {"name": "Eve", "email": "eve@example.com", "owner": "stranger@example.com"}
        assert capture.post("/leads", json=sent).json() == {"accepted": True}
    assert {item["owner"] for item in service.items("/leads")} == {None}


def test_api5_function_level_no_role_reaches_more_by_another_spelling(service: Service, lead: str) -> None:
    override = {"x-http-method-override": "DELETE", "x-method-override": "DELETE", "x-original-url": "/api-keys"}
    paths = ["/api-keys", "/api-keys/", "//api-keys", "/API-KEYS", "/leads/../api-keys", "/leads/%2e%2e/api-keys",
             "/api-keys;/leads", "/health/live/../../api-keys", "/leads/export/", "/./leads/export"]  # fmt: skip
    with client(service, "read", **override) as reader:
        for path in paths:
            response = reader.get(path)
            assert response.status_code in {301, 307, *ERRORS}, path
        assert reader.post(lead).status_code == 405
        assert reader.delete(lead).status_code == 403
    service.get(lead).expect(200)


def test_api6_business_flows_a_repeated_form_floods_neither_leads_nor_enquiries(service: Service) -> None:
    with client(service, None) as visitor:
        form = {"name": "Flo", "email": "flo@example.com", "message": "Hello"}
        assert {visitor.post("/forms/contact", data=form).status_code for _ in range(20)} == {200}
    eventually(lambda: [item["name"] for item in service.items("/leads")].count("Flo") == 1)
    lead = next(item["id"] for item in service.items("/leads") if item["name"] == "Flo")
    types = [entry["type"] for entry in service.items(f"/leads/{lead}/timeline")]
    assert types.count("lead.enquired") == 1


def test_api7_server_side_requests_no_client_names_an_address(service: Service, lead: str) -> None:
    for field in ("url", "webhook", "callback", "host", "channel_url"):
        assert service.post(f"{lead}/follow-up", {field: "http://169.254.169.254/"}).status == 422
    for channel in ("http://169.254.169.254/", "webhook:http://127.0.0.1/", "file:///etc/passwd"):
        assert service.post(f"{lead}/follow-up", {"channel": channel}).status == 422
        assert service.post(f"{lead}/follow-up", {"recipient": channel}).status == 422


def test_api8_misconfiguration_nothing_is_shown_that_an_operator_did_not_ask_for(target: Target) -> None:
    with client(target.service, None) as anonymous:
        for path in (
            "/.env",
            "/leads.toml",
            "/leads.db",
            "/docs/../leads.db",
            "/docs/%2e%2e/leads.toml",
            "/server-status",
        ):
            assert anonymous.get(path).status_code == 404
        assert anonymous.get("/metrics").status_code == 401
        for method in ("TRACE", "CONNECT", "PROPFIND", "DEBUG"):
            assert target.exchange(target.head(f"{method} /leads")).status in {0, 400, 404, 405}
        response = anonymous.get("/leads", headers={"origin": "https://evil.example"})
        assert not [name for name in response.headers if name.startswith("access-control-")]
        assert {"content-security-policy", "x-content-type-options", "x-frame-options"} <= {*response.headers}
        assert "Traceback" not in response.text


def test_api9_inventory_no_undocumented_path_is_served(service: Service) -> None:
    paths = ["/admin", "/debug", "/schema", "/schema/openapi.json", "/schema/swagger", "/v1/leads", "/api/leads"]
    paths += ["/test", "/internal", "/actuator", "/graphql", "/.well-known/security.txt", "/status", "/console"]
    assert {service.get(path).status for path in paths} == {404}


def test_api10_unsafe_consumption_values_of_others_stay_values(service: Service, lead: str) -> None:
    hostile = f"{{id}} {{{{7*7}}}} ${{jndi:ldap://127.0.0.1/}} $(id) `id` '; DROP TABLE leads; -- <b>{MARK}</b>"
    service.patch(lead, {"name": hostile}).expect(200)
    assert service.get(lead).json["name"] == hostile
    message = service.post(f"{lead}/follow-up", {"message": hostile}).expect(202)
    assert service.get(message.headers["location"]).json["message"] == hostile
    assert MARK not in service.err
