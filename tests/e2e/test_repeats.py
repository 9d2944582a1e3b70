"""Clients repeat what got no answer, because the service was killed, and write the same at once in several processes.

`make crash` kills it 200 times, with other choices in each run: CRASH_SEED repeats those of an earlier one.
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
    """A folder whose commands use either database, with a first key."""
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
    """What is sent again and again under its key until there is an answer."""

    target: str
    body: dict[str, Any]
    key: str = field(default_factory=lambda: str(uuid4()))

    def send(self, service: Service) -> httpx.Response:
        """One attempt; while an earlier one may still be under way, more of them."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            answer = service.client.post(self.target, json=self.body, headers={"Idempotency-Key": self.key})
            if answer.status_code != 409 or "request-in-progress" not in answer.text or time.monotonic() > deadline:
                return answer


class Client:
    """Takes leads in, with a follow-up each, and does not let go of a request before it is answered."""

    def __init__(self) -> None:
        self.pending: Request | None = None
        self.answered: list[tuple[Request, httpx.Response]] = []
        self.leads: list[str] = []
        self.repeated = 0

    def work(self, service: Service, enough: Event) -> None:
        """Go on until it is enough or the service is gone."""
        try:
            self.finish(service)
            while not enough.is_set():
                self.pending = self._next()
                self._send(service, self.pending)
        except httpx.TransportError:
            return

    def finish(self, service: Service) -> None:
        """Repeat the request that got no answer, if there is one."""
        if self.pending:
            self.repeated += 1
            self._send(service, self.pending)

    def _send(self, service: Service, request: Request) -> None:
        answer = request.send(service)
        assert answer.status_code in (201, 202), (request, answer.text)
        self.answered.append((request, answer))
        self.leads += [answer.json()["id"]] if request.target == "/leads" else []
        self.pending = None

    def _next(self) -> Request:
        if len(self.answered) % 2:
            return Request(f"/leads/{self.leads[-1]}/follow-up", HELLO)
        return Request("/leads", {"name": "John Doe", "email": f"{uuid4()}@example.com"})


def test_a_request_that_is_repeated_after_a_kill_is_done_once(site: Site) -> None:
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

    told = Counter(request.target == "/leads" for request, _ in answered)
    repeated = sum(client.repeated for client in clients)
    replayed = sum("idempotency-replayed" in answer.headers for _, answer in answered)
    click.echo(f"{CRASHES} kills, {len(answered)} requests, {repeated} repeated, {replayed} of them answered again")
    assert sorted(leads) == sorted({answer.json()["id"] for request, answer in answered if request.target == "/leads"})
    assert len(leads) == told[True]
    assert set(follow_ups.values()) <= {1}
    assert len(follow_ups) == told[False]
    assert repeated >= CRASHES


def work_until_killed(service: Service, clients: list[Client], random: Random) -> None:
    """Let the clients work for a moment, and kill the service in the middle of it."""
    enough = Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        working = [pool.submit(client.work, service, enough) for client in clients]
        try:
            time.sleep(random.uniform(0.02, 0.3))  # so that no kill is bound to what was answered
            service.kill()
        finally:
            enough.set()
            for each in working:
                each.result()


def test_of_many_that_ask_several_processes_at_once_one_is_served(site: Site) -> None:
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

            answers = list(pool.map(ask, services * CLIENTS))
            assert {answer.status_code for answer in answers} == {202}
            assert len({answer.content for answer in answers}) == 1
            assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
            assert len(services[0].items(f"/leads/{lead}/follow-ups")) == done


def test_patches_of_one_lead_through_several_processes_are_all_kept(site: Site) -> None:
    with ExitStack() as running:
        services = [running.enter_context(site.serve("--no-dispatch")) for _ in range(PROCESSES)]
        lead = services[0].post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201).json["id"]
        pool = running.enter_context(ThreadPoolExecutor(CLIENTS * PROCESSES))

        def patch(number: int) -> int:
            """Set a member that nobody else sets, and count up one that everybody does; how often it was refused."""
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
        kept = services[0].get(f"/leads/{lead}").expect(200).json
    assert kept["attributes"] == {"count": PATCHES} | {f"member {number}": number for number in range(PATCHES)}
    assert kept["version"] == 1 + 2 * PATCHES
    assert refused, "two had read the same version"
