"""The process is killed while clients write, again and again, on the same folder."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from threading import Semaphore
from typing import Any

import httpx
import pysqlite3.dbapi2 as sqlite

from e2e.service import PATIENCE, Service, Site, eventually

CRASHES = 10
CLIENTS = 4


@dataclass(frozen=True)
class Promises:
    """What clients were told is kept. `made` is released for each."""

    leads: set[str] = field(default_factory=set)
    follow_ups: set[str] = field(default_factory=set)
    made: Semaphore = field(default_factory=lambda: Semaphore(0))
    numbers: Iterator[int] = field(default_factory=count)

    def collect(self, service: Service) -> None:
        """Write, and note what is promised, until the service is gone."""
        try:
            while True:
                email = f"lead-{next(self.numbers)}@example.com"
                lead = service.post("/leads", {"name": "John Doe", "email": email}).expect(201).json["id"]
                self.leads.add(lead)
                self.made.release()
                follow_up = service.post(f"/leads/{lead}/follow-up").expect(202).json["id"]
                self.follow_ups.add(follow_up)
                self.made.release()
        except httpx.TransportError:
            return


def test_ten_crashes_lose_nothing_that_was_promised(site: Site) -> None:
    promises = Promises()
    logged: set[object] = set()
    for crash in range(CRASHES):
        with site.serve(LEADS_RATE_LIMIT="off") as service:
            assert_all_there(service, promises)
            crash_while_clients_write(service, promises, after=10 + 5 * crash)
        logged |= {line["follow_up_id"] for line in service.log("follow_up")}
    assert len(promises.follow_ups) > 10 * CRASHES

    end_leases(site)
    with site.serve(LEADS_RATE_LIMIT="off") as service:
        assert_all_there(service, promises)
        eventually(lambda: all_sent(site))
        for follow_up in promises.follow_ups:
            assert service.get(f"/follow-ups/{follow_up}").expect(200).json["state"] == "sent"
    logged |= {line["follow_up_id"] for line in service.log("follow_up")}
    assert promises.follow_ups <= logged


def crash_while_clients_write(service: Service, promises: Promises, after: int) -> None:
    """Kill the service when `after` more promises have been made, in the middle of whatever it does then."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(promises.collect, service) for _ in range(CLIENTS)]
        try:
            for _ in range(after):
                assert promises.made.acquire(timeout=PATIENCE)
        finally:
            service.kill()  # which also ends the clients
        for client in clients:
            client.result()


def assert_all_there(service: Service, promises: Promises) -> None:
    """Every lead that was promised is listed, none without the start of its story, and the file is sound."""
    assert promises.leads <= {lead["id"] for lead in service.items("/leads")}
    told = "SELECT lead_id FROM timeline WHERE type = 'lead.created'"
    assert rows(service.site, f"SELECT id FROM leads WHERE id NOT IN ({told})") == []
    assert rows(service.site, "PRAGMA integrity_check") == [("ok",)]


def all_sent(site: Site) -> bool:
    """Whether nothing is waiting to be sent."""
    return rows(site, "SELECT id FROM follow_ups WHERE state = 'scheduled'") == []


def end_leases(site: Site) -> None:
    """Let the minute go by, for which what a killed dispatcher had claimed is nobody else's."""
    rows(site, "UPDATE follow_ups SET lease_until = created_at WHERE lease_until IS NOT NULL")


def rows(site: Site, statement: str) -> list[Any]:
    """What the database answers."""
    with closing(sqlite.connect(site.folder / "leads.db", timeout=PATIENCE, isolation_level=None)) as connection:
        found: list[Any] = connection.execute(statement).fetchall()
        return found
