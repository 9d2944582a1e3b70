"""Test requests by pages of other origins (CORS)."""

from collections.abc import Callable

import pytest

from rest import JOHN, UNKNOWN_ID, Response, Service

HOME = "https://app.example.com"
OTHER = "https://evil.example.com"
EXPOSED = (
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)
PREFLIGHT = {"access_control_request_method": "PATCH", "access_control_request_headers": "x-api-key"}


def cors(response: Response) -> dict[str, str]:
    """Return the CORS headers of a response."""
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """Start a service that allows two origins."""
    return start(cors_origins=[HOME, "http://localhost:5173"])


def every_kind(service: Service, origin: str) -> list[Response]:
    """Return responses of handlers, of authentication and of the router."""
    page, anonymous = service.client("agent"), service.anonymous()
    responses = [page.post("/leads", {**JOHN, "email": f"{n}@example.com"}, origin=origin) for n in range(2)]
    john = responses[0].headers["location"]
    return [
        *responses,
        page.get(john, origin=origin).expect(200),
        page.patch(john, {"status": "converted"}, origin=origin).expect(409),
        page.post("/leads", b"{", origin=origin).expect(400),
        page.get(f"/leads/{UNKNOWN_ID}", origin=origin).expect(404),
        anonymous.get("/leads", origin=origin).expect(401),
        anonymous.get("/nowhere", origin=origin).expect(404),
        anonymous.request("DELETE", "/leads", headers={"origin": origin}).expect(405),
    ]


def test_a_page_of_a_configured_origin_may_read_every_response(service: Service) -> None:
    for response in every_kind(service, HOME):
        assert response.headers["access-control-allow-origin"] == HOME
        assert {*response.headers["access-control-expose-headers"].split(", ")} == {*EXPOSED}
        assert response.headers["vary"] == "Origin"
    headers = cors(service.anonymous().get("/leads", origin="http://localhost:5173"))
    assert headers["access-control-allow-origin"] == "http://localhost:5173"


@pytest.mark.parametrize("origin", ["", OTHER, HOME.upper(), f"{HOME}/", f"{HOME}:443", "null", "*", "é", "x" * 10_000])
def test_pages_of_other_origins_may_not_read_responses(service: Service, origin: str) -> None:
    for response in every_kind(service, origin):
        assert "access-control-allow-origin" not in response.headers


def test_a_preflight_request_needs_no_key(service: Service) -> None:
    anonymous = service.client_with(origin=HOME)
    response = anonymous.request("OPTIONS", f"/leads/{UNKNOWN_ID}", headers=PREFLIGHT).expect(204)
    headers = cors(response)
    accepted = headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "x-api-key", "content-type", "idempotency-key", "if-match", "if-none-match"} < {*accepted}
    assert headers["access-control-allow-origin"] == HOME
    assert headers["access-control-max-age"] == "3600"
    assert "PATCH" in headers["access-control-allow-methods"].split(", ")


def test_a_preflight_request_of_another_origin_is_refused_without_cors_headers(service: Service) -> None:
    response = service.client_with(origin=OTHER).request("OPTIONS", "/leads", headers=PREFLIGHT).expect(400)
    assert "access-control-allow-origin" not in response.headers


def test_every_origin_can_be_allowed(start: Callable[..., Service]) -> None:
    service = start(cors_origins=["*"])
    for response in every_kind(service, OTHER):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "vary" not in response.headers
        assert "access-control-allow-credentials" not in response.headers
    assert cors(service.anonymous().get("/leads")) == {}


def test_without_configuration_no_headers_are_sent(start: Callable[..., Service]) -> None:
    service = start()
    for response in every_kind(service, HOME):
        assert cors(response) == {}
        assert "vary" not in response.headers
    response = service.client_with(origin=HOME).request("OPTIONS", "/leads", headers=PREFLIGHT).expect(204)
    assert cors(response) == {}
