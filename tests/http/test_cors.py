"""Pages of other sites: which may call the service, and what they are told."""

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


def cors(reply: Response) -> dict[str, str]:
    """What is told to browsers."""
    return {name: value for name, value in reply.headers.items() if name.startswith("access-control-")}


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """A service for the pages of two sites."""
    return start(cors_origins=[HOME, "http://localhost:5173"])


def every_kind(service: Service, origin: str) -> list[Response]:
    """Answers from operations, from the gate, from the router."""
    page, anonymous = service.client("agent"), service.anonymous()
    answers = [page.post("/leads", {**JOHN, "email": f"{n}@example.com"}, origin=origin) for n in range(2)]
    john = answers[0].headers["location"]
    return [
        *answers,
        page.get(john, origin=origin).expect(200),
        page.patch(john, {"status": "converted"}, origin=origin).expect(409),
        page.post("/leads", b"{", origin=origin).expect(400),
        page.get(f"/leads/{UNKNOWN_ID}", origin=origin).expect(404),
        anonymous.get("/leads", origin=origin).expect(401),
        anonymous.get("/nowhere", origin=origin).expect(404),
        anonymous.request("DELETE", "/leads", headers={"origin": origin}).expect(405),
    ]


def test_a_page_of_a_configured_origin_may_read_every_answer(service: Service) -> None:
    for answer in every_kind(service, HOME):
        assert answer.headers["access-control-allow-origin"] == HOME
        assert {*answer.headers["access-control-expose-headers"].split(", ")} == {*EXPOSED}
        assert answer.headers["vary"] == "Origin"
    told = cors(service.anonymous().get("/leads", origin="http://localhost:5173"))
    assert told["access-control-allow-origin"] == "http://localhost:5173"


@pytest.mark.parametrize("origin", ["", OTHER, HOME.upper(), f"{HOME}/", f"{HOME}:443", "null", "*", "é", "x" * 10_000])
def test_no_other_page_may(service: Service, origin: str) -> None:
    for answer in every_kind(service, origin):
        assert "access-control-allow-origin" not in answer.headers


def test_a_preflight_is_answered_without_a_key(service: Service) -> None:
    anonymous = service.client_with(origin=HOME)
    answer = anonymous.request("OPTIONS", f"/leads/{UNKNOWN_ID}", headers=PREFLIGHT).expect(204)
    told = cors(answer)
    accepted = told["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "x-api-key", "content-type", "idempotency-key", "if-match", "if-none-match"} < {*accepted}
    assert told["access-control-allow-origin"] == HOME
    assert told["access-control-max-age"] == "3600"
    assert "PATCH" in told["access-control-allow-methods"].split(", ")


def test_a_preflight_of_another_page_is_told_nothing(service: Service) -> None:
    answer = service.client_with(origin=OTHER).request("OPTIONS", "/leads", headers=PREFLIGHT).expect(400)
    assert "access-control-allow-origin" not in answer.headers


def test_every_origin_can_be_allowed(start: Callable[..., Service]) -> None:
    service = start(cors_origins=["*"])
    for answer in every_kind(service, OTHER):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "vary" not in answer.headers
        assert "access-control-allow-credentials" not in answer.headers
    assert cors(service.anonymous().get("/leads")) == {}


def test_without_configuration_nothing_is_told(start: Callable[..., Service]) -> None:
    service = start()
    for answer in every_kind(service, HOME):
        assert cors(answer) == {}
        assert "vary" not in answer.headers
    answer = service.client_with(origin=HOME).request("OPTIONS", "/leads", headers=PREFLIGHT).expect(204)
    assert cors(answer) == {}
