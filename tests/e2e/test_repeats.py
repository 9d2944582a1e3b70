"""Test requests repeated after kills of the service, and concurrent identical requests to several processes.

`make crash` kills it 200 times, with other choices in each run: CRASH_SEED repeats an earlier run.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from threading import Barrier, Event
from typing import Any
from uuid import uuid4

import click
import httpx
import pytest

from e2e.service import TIMEOUT_SECONDS, Service, Site
from postgres import postgres_url

CRASHES = int(os.environ.get("CRASHES", "2"))
CLIENTS = 4
PROCESSES = 2
ROUNDS = 10
PATCHES = 40

HELLO = {"message": "Shall we talk on Tuesday?", "due_at": "2099-01-05T12:00:00Z"}


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def site(request: pytest.FixtureRequest, site: Site) -> Iterator[Site]:
    """Return a site on each database, with a first key."""
    with ExitStack() as used:
        if request.param == "PostgreSQL":
            url = used.enter_context(postgres_url())
            site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        site.configure(LEADS_RATE_LIMIT="off")
        with site.serve("--no-dispatch"):
            assert site.key
        yield site


@dataclass(frozen=True)
class Request:
    """A request that is repeated with its idempotency key until it gets a response."""

    target: str
    body: dict[str, Any]
    key: str = field(default_factory=lambda: str(uuid4()))

    def send(self, service: Service) -> httpx.Response:
        """Send the request, and repeat it while an earlier attempt may still run."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            response = service.client.post(self.target, json=self.body, headers={"Idempotency-Key": self.key})
            if response.status_code != 409 or "request-in-progress" not in response.text or time.monotonic() > deadline:
                return response


class Client:
    """A client that creates leads with follow-ups and repeats each request until it gets a response."""

    def __init__(self) -> None:
        self.pending: Request | None = None
        self.answered: list[tuple[Request, httpx.Response]] = []
        self.leads: list[str] = []
        self.repeated = 0

    def work(self, service: Service, enough: Event) -> None:
        """Send requests until `enough` is set or the service is gone."""
        try:
            self.finish(service)
            while not enough.is_set():
                self.pending = self._next()
                self._send(service, self.pending)
        except httpx.TransportError:
            return

    def finish(self, service: Service) -> None:
        """Repeat the request without a response, if there is one."""
        if self.pending:
            self.repeated += 1
            self._send(service, self.pending)

    def _send(self, service: Service, request: Request) -> None:
        response = request.send(service)
        assert response.status_code in (201, 202), (request, response.text)
        self.answered.append((request, response))
        self.leads += [response.json()["id"]] if request.target == "/leads" else []
        self.pending = None

    def _next(self) -> Request:
        if len(self.answered) % 2:
            return Request(f"/leads/{self.leads[-1]}/follow-up", HELLO)
        return Request("/leads", {"name": "John Doe", "email": f"{uuid4()}@example.com"})


def test_a_request_repeated_after_a_kill_runs_once(site: Site) -> None:
    seed = int(os.environ.get("CRASH_SEED", "1"))
    click.echo(f"CRASH_SEED={seed}")
    random = Random(seed)
    clients = [Client() for _ in range(CLIENTS)]
    for _ in range(CRASHES):
        with site.serve("--no-dispatch") as service:
            work_until_killed(service, clients, random)
    with site.serve("--no-dispatch") as service:
        for client in clients:
            client.finish(service)
        answered = [each for client in clients for each in client.answered]
        for request, first in random.sample(answered, min(len(answered), 50)):
            again = request.send(service)
            assert (again.status_code, again.content) == (first.status_code, first.content)
            assert again.headers["idempotency-replayed"] == "true"
        leads = [lead["id"] for lead in service.items("/leads")]
        follow_ups = Counter(follow_up["lead_id"] for follow_up in service.items("/follow-ups"))

    is_lead_count = Counter(request.target == "/leads" for request, _ in answered)
    repeated = sum(client.repeated for client in clients)
    replayed = sum("idempotency-replayed" in response.headers for _, response in answered)
    click.echo(f"{CRASHES} kills, {len(answered)} requests, {repeated} repeated, {replayed} of them answered again")
    assert sorted(leads) == sorted(
        {response.json()["id"] for request, response in answered if request.target == "/leads"}
    )
    assert len(leads) == is_lead_count[True]
    assert set(follow_ups.values()) <= {1}
    assert len(follow_ups) == is_lead_count[False]
    assert repeated >= CRASHES


def work_until_killed(service: Service, clients: list[Client], random: Random) -> None:
    """Let the clients work for a random time, then kill the service."""
    enough = Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(client.work, service, enough) for client in clients]
        try:
            time.sleep(random.uniform(0.02, 0.3))  # so that kills do not always follow a response
            service.kill()
        finally:
            enough.set()
            for each in working:
                each.result()


def test_one_of_many_concurrent_requests_to_several_processes_runs(site: Site) -> None:
    with ExitStack() as running:
        services = [running.enter_context(site.serve("--no-dispatch")) for _ in range(PROCESSES)]
        lead = services[0].post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201).json["id"]
        pool = running.enter_context(ThreadPoolExecutor(CLIENTS * PROCESSES))
        for done in range(1, ROUNDS + 1):
            request = Request(f"/leads/{lead}/follow-up", HELLO)
            together = Barrier(CLIENTS * PROCESSES)

            def ask(service: Service, request: Request = request, together: Barrier = together) -> httpx.Response:
                together.wait(TIMEOUT_SECONDS)
                return request.send(service)

            responses = list(pool.map(ask, services * CLIENTS))
            assert {response.status_code for response in responses} == {202}
            assert len({response.content for response in responses}) == 1
            assert sum("idempotency-replayed" not in response.headers for response in responses) == 1
            assert len(services[0].items(f"/leads/{lead}/follow-ups")) == done


def test_concurrent_patches_through_several_processes_are_all_stored(site: Site) -> None:
    with ExitStack() as running:
        services = [running.enter_context(site.serve("--no-dispatch")) for _ in range(PROCESSES)]
        lead = services[0].post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201).json["id"]
        pool = running.enter_context(ThreadPoolExecutor(CLIENTS * PROCESSES))

        def patch(number: int) -> int:
            """Set an own attribute and increment a shared one; return the number of failed preconditions."""
            service = services[number % PROCESSES]
            service.patch(f"/leads/{lead}", {"attributes": {f"member {number}": number}}).expect(200)
            for refused in range(1000):
                read = service.get(f"/leads/{lead}").expect(200)
                counted = {"attributes": {"count": read.json["attributes"].get("count", 0) + 1}}
                condition = {"If-Match": read.headers["etag"]}
                status = service.client.patch(f"/leads/{lead}", json=counted, headers=condition).status_code
                if status == 200:
                    return refused
                assert status == 412
            raise AssertionError("refused a thousand times")

        refused = sum(pool.map(patch, range(PATCHES)))
        patched = services[0].get(f"/leads/{lead}").expect(200).json
    assert patched["attributes"] == {"count": PATCHES} | {f"member {number}": number for number in range(PATCHES)}
    assert patched["version"] == 1 + 2 * PATCHES
    assert refused, "two had read the same version"
