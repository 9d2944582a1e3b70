"""Test that slow clients use limited resources for a limited time."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

import pytest
from dependency_injector import providers

from leads_adapters.http.concurrency import ConcurrencyLimit
from leads_adapters.http.receiving import BodyLimits
from leads_adapters.http.request_middleware import PIECE, send_body
from leads_adapters.http.streaming import SlowClientError
from rest import JOHN, Api, Response, Service

# Bodies


@pytest.mark.parametrize("limits", [BodyLimits(1000, idle_seconds=0.05), BodyLimits(1000, seconds=0.05)])
def test_a_slow_body_is_refused(service: Service, limits: BodyLimits) -> None:
    service.container.body_limits.override(providers.Object(limits))
    api = service.client()
    halves = [b'{"name": "John Doe", ', b'"email": "john@example.com"}']
    response = api.runner.run(api.send("POST", "/leads", chunks=halves, wait_before_end=asyncio.Event()))
    response.expect_problem(408, "request-timeout")
    assert response.headers["connection"] == "close"
    api.post("/leads", JOHN).expect(201)


# Concurrent requests


def limited(service: Service, per_key: int, per_address: int) -> None:
    """Limit the concurrent requests of a key, in total and for each address."""
    authentication = replace(
        service.container.authentication(),
        key_concurrency=ConcurrencyLimit(per_key),
        address_concurrency=ConcurrencyLimit(per_address),
    )
    service.container.authentication.override(providers.Object(authentication))


def responses_while_two_wait(service: Service, first: Api, *others: Api) -> list[Response]:
    """Return responses to other clients, then to the first, while two requests of the first wait for bodies."""

    async def all_at_once() -> list[Response]:
        go_on = asyncio.Event()
        halves = [b"{", b"}"]
        waiting = [first.send("POST", "/leads", chunks=halves, wait_before_end=go_on) for _ in range(2)]
        under_way = [asyncio.create_task(each) for each in waiting]
        await asyncio.sleep(0)
        responses = [await other.send("GET", "/pipeline") for other in others]
        go_on.set()
        for response in await asyncio.gather(*under_way):
            response.expect_problem(422, "validation-failed")
        return [*responses, await first.send("GET", "/pipeline")]

    return service.run(all_at_once())


def test_concurrent_requests_of_a_key_are_limited(service: Service) -> None:
    limited(service, per_key=2, per_address=10)
    api = service.client()
    elsewhere, other = replace(api, address="192.0.2.2"), service.client()
    same_key, others, afterwards = responses_while_two_wait(service, api, elsewhere, other)
    assert "At most 2 requests" in same_key.expect_problem(429, "rate-limited")["detail"]
    assert same_key.headers["retry-after"] == "1"
    assert [others.status, afterwards.status] == [200, 200]


def test_concurrent_requests_of_a_key_from_one_address_are_limited(service: Service) -> None:
    limited(service, per_key=10, per_address=2)
    api, other = service.client(), service.client()
    elsewhere = replace(api, address="192.0.2.2")
    same, others, from_elsewhere, afterwards = responses_while_two_wait(service, api, api, other, elsewhere)
    same.expect_problem(429, "rate-limited")
    assert [others.status, from_elsewhere.status, afterwards.status] == [200, 200, 200]


# Responses


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize("more", [False, True])
def test_a_response_is_sent_in_chunks(size: int, more: bool) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    asyncio.run(send_body({"type": "http.response.body", "body": body, "more_body": more}, send, 1))
    assert b"".join(message["body"] for message in sent) == body
    assert max(len(message["body"]) for message in sent) <= PIECE
    assert [message["more_body"] for message in sent] == [True] * (len(sent) - 1) + [more]


def test_a_response_that_the_client_does_not_read_is_aborted() -> None:
    async def send(_: object) -> None:
        await asyncio.Future()

    with pytest.raises(SlowClientError):
        asyncio.run(send_body({"type": "http.response.body", "body": b"x", "more_body": True}, send, 0.01))
