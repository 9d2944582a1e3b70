"""Attack the service with reads that take long."""

import importlib
import json
import select
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest
from sqlalchemy import make_url

from attack.target import MIB, Target
from attack.witness import cpu_seconds
from databases import engine_of
from e2e.service import Service, eventually
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.sqlite.engine import connect

pytestmark = pytest.mark.attack

LEADS = 60_000
WORDS = "ada ben cid dan eve fay gus hal ivy jon kai lea max ned ora pia quy ray sue tom"
SEARCH = "/leads?count=true&sort=name&q=" + "+".join(word[0] for word in WORDS.split())
"""A search whose every word is in every lead."""

CLIENTS = 600
KEYS = 4
LOG_MAX = 64 * MIB


@pytest.fixture(scope="module")
def filled(service: Service) -> Service:
    """Store many leads that all match the search."""
    url = service.site.environment().get("LEADS_DATABASE_URL")
    engine = postgres_engine(make_url(url)) if url else engine_of(service.site.folder / "leads.db")
    fill, lead = (importlib.import_module(f"benchmarks.{name}") for name in ("fill", "sample"))
    fill.fill(engine, LEADS, lambda number: lead.lead(number) | {"name": WORDS})
    if not url:
        connect(engine).execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what it has written is no part of the attack
    engine.dispose()
    return service


def search(target: Target, timeout: float = 120) -> None:
    """Send a search and wait for the response."""
    httpx.get(target.service.url + SEARCH, headers=target.service.client.headers, timeout=timeout)


@pytest.fixture(scope="module")
def searches(filled: Service) -> list[bytes]:
    """Return the searches of many clients, with keys and addresses of their own."""
    keys = [filled.post("/api-keys", {"name": f"{n}", "role": "read"}).expect(201).json["key"] for n in range(KEYS)]
    return [
        f"GET {SEARCH} HTTP/1.1\r\nhost: leads\r\nx-api-key: {keys[number % KEYS]}\r\n"
        f"x-forwarded-for: 192.0.2.{number % 200}\r\n\r\n".encode()
        for number in range(CLIENTS)
    ]


def test_searches_are_answered_or_refused_in_time_and_delay_nothing_else(
    target: Target, filled: Service, searches: list[bytes]
) -> None:
    metrics: list[float] = []
    with target.under_attack() as cost, ThreadPoolExecutor(1) as attacker:
        attack = attacker.submit(target.exchange_at_once, searches)
        while not attack.done():
            started = time.monotonic()
            filled.get("/metrics").expect(200)
            filled.get("/leads/export?owner=nobody@example.com").expect(200)
            metrics.append(time.monotonic() - started)
            time.sleep(0.2)
    found = attack.result()
    assert {reply.status for reply in found} == {200, 503}
    assert all("retry-after: " in reply.head for reply in found if reply.status == 503)
    target.check("seconds of a search", max(reply.seconds for reply in found), at_most=60)
    target.check("seconds of metrics and an export beside them", max(metrics), at_most=10)
    target.check_others(cost, held_ms=200)


def test_searches_of_clients_that_have_hung_up_are_not_begun(
    target: Target, filled: Service, searches: list[bytes]
) -> None:
    with target.under_attack() as ten:
        for _ in range(10):
            search(target)
    with target.under_attack() as cost:
        with ExitStack() as stack:
            connections = [stack.enter_context(target.connect()) for _ in searches]
            for connection, request in zip(connections, searches, strict=True):
                connection.sendall(request)
            select.select(connections, [], [])  # until the first response: the others wait
        eventually(lambda: is_idle(target), within=150)
    target.check("searches that were run", 10 * cost.cpu_ms / ten.cpu_ms, at_most=CLIENTS / 10)


def is_idle(target: Target) -> bool:
    """Return whether the service uses next to no processor time."""
    before = cpu_seconds(target.service.process.pid)
    time.sleep(0.5)
    return cpu_seconds(target.service.process.pid) - before < 0.1


@contextmanager
def constant_searches(target: Target, clients: int) -> Iterator[None]:
    """Send searches from several clients, one after another, until the end of the block."""
    stop = Event()

    def repeat() -> None:
        while not stop.is_set():
            search(target)

    with ThreadPoolExecutor(clients) as threads:
        for _ in range(clients):
            threads.submit(repeat)
        try:
            yield
        finally:
            stop.set()


def large_leads(numbers: range) -> bytes:
    """Return a file of leads of 200 kB each."""
    attributes = {f"a{each}": "😀" * 1000 for each in range(50)}
    leads = ({"name": "Jo", "email": f"jo{number}@example.com", "attributes": attributes} for number in numbers)
    return "\n".join(json.dumps(lead, ensure_ascii=False) for lead in leads).encode()


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_the_write_ahead_log_stays_small_beside_constant_long_reads(target: Target, filled: Service) -> None:
    log = filled.site.folder / "leads.db-wal"
    sizes = []
    with constant_searches(target, 16):
        for start in range(0, 1000, 50):
            file, headers = large_leads(range(start, start + 50)), {"content-type": "application/x-ndjson"}
            filled.client.post("/leads/import", content=file, headers=headers, timeout=60).raise_for_status()
            sizes.append(size_of(log))
    target.check("MiB of the log after 200 MB of writes", max(sizes) / MIB, at_most=1.5 * LOG_MAX / MIB)
    target.check("MiB of the log afterwards", size_of(log) / MIB, at_most=LOG_MAX / MIB)


def size_of(file: Path) -> int:
    """Return the size of a file, 0 if there is none."""
    return file.stat().st_size if file.exists() else 0
