"""Send requests as a careful client does: repeat those that failed, with the same Idempotency-Key."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any, Self
from uuid import uuid4

import httpx

from benchmarks.soak.record import INCOMPLETE, NO_RESPONSE, Exchange, Record

TIMEOUT_SECONDS = 60.0
"""The time in which the service responds, whatever happens."""

RETRY_SECONDS = 1.0
GIVE_UP_SECONDS = 90.0
MAIN, SECOND = "main", "second"

_KEEP_ALIVE_SECONDS = 5.0  # the service closes idle connections after 10 s
_MAIN_SHARE = 0.7


class GaveUp(Exception):
    """A request got no expected response. It is recorded."""


class Client:
    """A client of the main and of the second process, with one API key. `random` chooses the process."""

    def __init__(self, urls: Mapping[str, str], key: str, record: Record, random: Random) -> None:
        self.urls = urls
        self.key = key
        self.record = record
        self.random = random
        limits = httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE_SECONDS)
        self._connections = {
            process: httpx.AsyncClient(
                base_url=url, headers={"X-API-Key": key}, timeout=TIMEOUT_SECONDS, limits=limits, trust_env=False
            )
            for process, url in urls.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connections in self._connections.values():
            await connections.aclose()

    async def ask(self, operation: str, method: str, path: str, *expected: int, **options: Any) -> httpx.Response:
        """Send a request until it gets an expected status code. Raises `GaveUp` if it gets another one."""
        if method == "POST":
            options["headers"] = {"Idempotency-Key": str(uuid4()), **options.get("headers", {})}
        deadline = self.record.now() + GIVE_UP_SECONDS
        while self.record.now() < deadline:
            response = await self.send(operation, method, path, *expected, **options)
            if response is not None and response.status_code in expected:
                return response
            if response is not None and response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(RETRY_SECONDS)
        raise GaveUp

    async def send(
        self, operation: str, method: str, path: str, *expected: int, unanswered: str = NO_RESPONSE, **options: Any
    ) -> httpx.Response | None:
        """Send a request once and record it; return None if there is no response, with the outcome `unanswered`."""
        process = MAIN if self.random.random() < _MAIN_SHARE else SECOND
        began = self.record.now()
        connections = self._connections[process]
        request = connections.build_request(method, path, **options)
        response, outcome, detail = None, unanswered, ""
        try:
            response, outcome = await connections.send(request, stream=True), INCOMPLETE
            await response.aread()
            outcome = str(response.status_code)
        except httpx.TransportError as error:
            response, detail = None, f"{type(error).__name__} {error}"
        is_expected = response is not None and response.status_code in expected
        if response is not None and not is_expected:
            detail = response.text[:300]
        seconds = self.record.now() - began
        self.record.exchanges.append(Exchange(operation, process, began, seconds, outcome, is_expected, detail))
        return response
