"""Test that searches wait in a limited queue, behind which nothing else waits, and which clients can leave."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from databases import TIMEOUT_SECONDS
from leads_adapters.http import abandonment
from leads_adapters.sql import long_reads
from leads_domain.ports import UnitOfWork
from rest import JOHN, Api, Response, Service

SEARCH = "/leads?q=john"
CSV = b"name,email\nJane Roe,jane@example.com\n"


@asynccontextmanager
async def only_long_reads(service: Service) -> AsyncIterator[None]:
    """Occupy the database with as many long reads as may run at once."""
    end = threading.Event()

    def read(_: UnitOfWork) -> None:
        assert end.wait(TIMEOUT_SECONDS)

    database = service.container.database()
    reads = [asyncio.create_task(database.read_long(read)) for _ in range(long_reads.LONG_READS_MAX)]
    await asyncio.sleep(0)
    try:
        yield
    finally:
        end.set()
        await asyncio.gather(*reads)


def during_long_reads(service: Service, *requests: Callable[[], Awaitable[Response]]) -> list[Response]:
    """Return the responses to these requests, in turn, while long reads occupy the database."""

    async def respond() -> list[Response]:
        async with only_long_reads(service), asyncio.timeout(TIMEOUT_SECONDS):
            return [await request() for request in requests]

    return service.run(respond())


def test_nothing_but_searches_waits_behind_searches(service: Service, john: str) -> None:
    admin = service.client("admin")
    responses = during_long_reads(
        service,
        lambda: admin.send("GET", "/metrics"),
        lambda: admin.send("GET", "/leads/export"),
        lambda: admin.send("POST", "/leads/import?dry_run=true", CSV, headers={"content_type": "text/csv"}),
        lambda: admin.send("POST", "/leads/import", CSV, headers={"content_type": "text/csv"}),
        lambda: admin.send("GET", "/leads"),
        lambda: admin.send("GET", john),
        lambda: admin.send("PATCH", john, {"status": "contacted"}),
        lambda: admin.send("GET", "/health/ready"),
    )
    assert [response.status for response in responses] == [200] * len(responses)
    assert JOHN["email"].encode() in responses[1].body


def test_a_search_is_refused_if_too_many_wait(service: Service, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_reads, "WAITING_MAX", 0)
    problem = during_long_reads(service, lambda: api.send("GET", SEARCH))[0]
    assert "Too many searches" in problem.expect_problem(503, "unavailable")["detail"]
    assert int(problem.headers["retry-after"]) > 0


def test_a_search_leaves_the_queue_if_its_client_hangs_up(
    service: Service, api: Api, log: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abandonment, "WATCH_AFTER_SECONDS", 0)
    response = during_long_reads(service, lambda: api.send("GET", SEARCH, disconnects=True))[0]
    assert response.status == abandonment.CLIENT_CLOSED_REQUEST
    assert [(line["status"], line["log_level"]) for line in log if line["event"] == "request"][-1] == (499, "info")


def test_a_search_is_refused_before_proxies_give_up(
    service: Service, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abandonment, "WATCH_AFTER_SECONDS", 0)
    monkeypatch.setattr(abandonment, "RESPONSE_SECONDS", 0.01)
    response = during_long_reads(service, lambda: api.send("GET", SEARCH))[0]
    assert "took longer" in response.expect_problem(503, "unavailable")["detail"]
