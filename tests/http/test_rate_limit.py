"""Test the rate limit and its headers."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from dependency_injector import providers
from hypothesis import example, given
from hypothesis import strategies as st

from leads_adapters.http.authentication import Authentication
from leads_adapters.http.client_address import ClientAddresses
from leads_adapters.http.problems import Problem
from leads_adapters.http.rate_limit import RateLimit, RateLimiter
from leads_domain.access import Role, make_key_text
from rest import JOHN, UNKNOWN_ID, Response, Service

UNKNOWN = make_key_text(Role.ADMIN, b"\x07" * 32)
"""A well-formed API key that does not exist."""


@dataclass
class FakeClock:
    """A clock that changes only when a test sets it."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock of the rate limiter."""
    return FakeClock()


@pytest.fixture
def limited(service: Service, clock: FakeClock) -> Service:
    """Start a service that admits six requests a minute for a key, and two for an address without a key."""
    authentication = Authentication(
        service.container.database(),
        service.container.authenticate(),
        service.container.usage_recorder().note,
        ClientAddresses([]),
        RateLimiter(RateLimit(6, 60), clock),
        RateLimiter(RateLimit(2, 60), clock),
    )
    service.container.authentication.override(providers.Object(authentication))
    return service


def admitted(limiter: RateLimiter, caller: str = "somebody") -> bool:
    """Return whether one more request of this caller is admitted."""
    try:
        limiter.count(caller)
    except Problem:
        return False
    return True


def remaining(response: Response) -> tuple[int, int]:
    """Return the remaining requests and the seconds until the full limit is available."""
    match = re.fullmatch(r'"default";r=(\d+);t=(\d+)', response.headers["ratelimit"])
    assert match is not None, response.headers
    return int(match[1]), int(match[2])


# The limit itself


def test_a_burst_of_the_limit_is_admitted(clock: FakeClock) -> None:
    limiter = RateLimiter(RateLimit(6, 60), clock)
    assert [admitted(limiter) for _ in range(8)] == [True] * 6 + [False] * 2


def test_capacity_refills_evenly(clock: FakeClock) -> None:
    limiter = RateLimiter(RateLimit(6, 60), clock)
    while admitted(limiter):
        pass
    clock.seconds += 9.9
    assert not admitted(limiter)
    clock.seconds += 0.1
    assert [admitted(limiter) for _ in range(2)] == [True, False]
    clock.seconds += 30
    assert [admitted(limiter) for _ in range(4)] == [True] * 3 + [False]


def test_capacity_refills_to_the_limit(clock: FakeClock) -> None:
    limiter = RateLimiter(RateLimit(3, 60), clock)
    while admitted(limiter):
        pass
    clock.seconds += 10_000
    assert [admitted(limiter) for _ in range(4)] == [True] * 3 + [False]


def test_callers_have_separate_limits(clock: FakeClock) -> None:
    limiter = RateLimiter(RateLimit(1, 60), clock)
    assert [admitted(limiter, caller) for caller in ("a", "b", "a", "b", "c")] == [True, True, False, False, True]


def test_refused_requests_do_not_extend_the_wait(clock: FakeClock) -> None:
    limiter = RateLimiter(RateLimit(1, 60), clock)
    assert admitted(limiter)
    for _ in range(59):
        clock.seconds += 1
        assert not admitted(limiter)
    clock.seconds += 1
    assert admitted(limiter)


@given(
    requests=st.integers(min_value=1, max_value=1000),
    seconds=st.sampled_from([1, 60, 3600]),
    start=st.floats(min_value=0, max_value=1e9),
)
def test_a_caller_within_the_limit_is_never_refused(requests: int, seconds: int, start: float) -> None:
    clock = FakeClock(start)
    limiter = RateLimiter(RateLimit(requests, seconds), clock)
    for number in range(2 * requests):
        clock.seconds = start + number * seconds / requests
        assert admitted(limiter)


@given(
    requests=st.integers(min_value=1, max_value=50),
    pauses=st.lists(st.floats(min_value=0, max_value=30), min_size=1, max_size=100),
)
@example(requests=1, pauses=[1.7930865434826293, 0.0])  # a rounding error made 61 s of 60 s
def test_retry_after_is_sufficient_and_the_rate_is_never_exceeded(requests: int, pauses: list[float]) -> None:
    clock = FakeClock()
    limiter = RateLimiter(RateLimit(requests, 60), clock)
    count = 0
    for pause in pauses:
        clock.seconds += pause
        try:
            limiter.count("somebody")
        except Problem as problem:
            wait = int((problem.headers or {})["retry-after"])
            assert 1 <= wait <= 60
            clock.seconds += wait
            limiter.count("somebody")
        count += 1
    assert count <= requests + (clock.seconds - 1000) * requests / 60 + 1e-3


def test_callers_with_full_capacity_are_deleted(clock: FakeClock) -> None:
    limiter = RateLimiter(RateLimit(1, 60), clock)
    for number in range(50_000):
        limiter.count(str(number))
    clock.seconds += 61
    assert admitted(limiter, "one more")
    assert len(limiter._full_at) == 1


# Headers


def test_headers_report_the_remaining_requests(limited: Service, clock: FakeClock) -> None:
    client = limited.client()
    responses = [client.get("/pipeline").expect(200) for _ in range(3)]
    assert [response.headers["ratelimit-policy"] for response in responses] == ['"default";q=6;w=60'] * 3
    assert [remaining(response) for response in responses] == [(5, 10), (4, 20), (3, 30)]
    clock.seconds += 30
    assert remaining(client.get("/pipeline")) == (5, 10)


def test_a_429_has_retry_after(limited: Service, clock: FakeClock) -> None:
    client = limited.client()
    for _ in range(6):
        client.get("/pipeline").expect(200)
    clock.seconds += 2.5
    response = client.get("/pipeline")
    response.expect_problem(429, "rate-limited")
    assert (response.headers["retry-after"], remaining(response)) == ("8", (0, 8))
    assert response.headers["ratelimit-policy"] == '"default";q=6;w=60'
    clock.seconds += 8
    client.get("/pipeline").expect(200)


def test_a_rate_limited_request_has_no_effect(limited: Service, clock: FakeClock) -> None:
    client = limited.client()
    for _ in range(6):
        client.get("/pipeline").expect(200)
    client.post("/leads", JOHN).expect_problem(429, "rate-limited")
    clock.seconds += 60
    assert client.get("/leads").json["items"] == []


def test_every_key_has_one_limit_for_all_addresses(limited: Service) -> None:
    _, key = limited.new_key("agent")
    for number in range(6):
        limited.client_with(f"192.0.2.{number}", x_api_key=key).get("/pipeline").expect(200)
    limited.client_with(x_api_key=key).get("/pipeline").expect_problem(429, "rate-limited")
    limited.client().get("/pipeline").expect(200)


def test_refused_requests_of_a_key_count_and_report_the_remaining_requests(limited: Service) -> None:
    client = limited.client("read")
    responses = [
        client.post("/leads", JOHN).expect(403),
        client.get(f"/leads/{UNKNOWN_ID}").expect(404),
        client.get("/leads?limit=0").expect(400),
    ]
    assert [remaining(response)[0] for response in responses] == [5, 4, 3]


@pytest.mark.parametrize(
    "headers", [{}, {"x_api_key": "read_guess"}, {"authorization": "Bearer guess"}, {"x_api_key": UNKNOWN}]
)
def test_an_address_without_a_key_has_a_limit_too(limited: Service, headers: dict[str, str]) -> None:
    anonymous = limited.client_with("198.51.100.7", **headers)
    responses = [anonymous.get("/leads").expect(401) for _ in range(2)]
    assert [remaining(response)[0] for response in responses] == [1, 0]
    assert responses[0].headers["ratelimit-policy"] == '"default";q=2;w=60'
    refused = anonymous.get("/leads")
    refused.expect_problem(429, "rate-limited")
    assert refused.headers["retry-after"] == "30"
    limited.client_with("198.51.100.8").get("/leads").expect(401)


def test_a_valid_key_is_admitted_from_a_limited_address(limited: Service) -> None:
    for _ in range(3):
        limited.anonymous().get("/leads")
    limited.anonymous().get("/leads").expect(429)
    limited.client().get("/leads").expect(200)


def test_public_operations_have_no_limit(limited: Service) -> None:
    for path in ("/health/live", "/docs", "/openapi.json", "/problems/rate-limited"):
        responses = [limited.anonymous().get(path).expect(200) for _ in range(5)]
        assert not {"ratelimit", "ratelimit-policy"} & responses[-1].headers.keys()


# Settings


def test_an_anonymous_client_has_a_tenth_of_the_limit(start: Callable[..., Service]) -> None:
    service = start(rate_limit=RateLimit(600, 60))
    assert service.client().get("/pipeline").headers["ratelimit-policy"] == '"default";q=600;w=60'
    assert service.anonymous().get("/pipeline").headers["ratelimit-policy"] == '"default";q=60;w=60'


def test_the_configured_limit_is_enforced(start: Callable[..., Service]) -> None:
    client = start(rate_limit=RateLimit(3, 3600)).client()
    assert [client.get("/pipeline").status for _ in range(5)] == [200] * 3 + [429] * 2


def test_limits_can_be_switched_off(start: Callable[..., Service]) -> None:
    service = start(rate_limit=None)
    client, anonymous = service.client(), service.anonymous()
    for response in [client.get("/pipeline").expect(200) for _ in range(100)] + [anonymous.get("/leads").expect(401)]:
        assert not {"ratelimit", "ratelimit-policy", "retry-after"} & response.headers.keys()


def test_a_429_is_not_cacheable(limited: Service) -> None:
    client = limited.client("read")
    responses = [client.get("/pipeline") for _ in range(7)]
    assert [response.status for response in responses] == [200] * 6 + [429]
    assert {response.headers["cache-control"] for response in responses} == {"no-store"}
