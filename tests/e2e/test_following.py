"""Test that clients of several processes read the same feed during concurrent writes."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from e2e.service import TIMEOUT_SECONDS, Service, Site
from postgres import postgres_url

PEOPLE, FOLLOWERS = 30, 3

Event = dict[str, Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def services(request: pytest.FixtureRequest, site: Site) -> Iterator[list[Service]]:
    """Run two services with dispatchers on one database; on PostgreSQL one has two workers."""
    with ExitStack() as running:
        site.configure(LEADS_RATE_LIMIT="off")
        if request.param == "postgresql":
            url = running.enter_context(postgres_url())
            site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        first = running.enter_context(site.serve(*(["--workers", "2"] if request.param == "postgresql" else [])))
        yield [first, running.enter_context(site.serve())]


def test_all_readers_of_the_feed_get_each_event_once_in_one_order(services: list[Service]) -> None:
    seen = asyncio.run(write_and_read(services))
    first = seen[0]
    assert all(other == first for other in seen)
    assert len({event["id"] for event in first}) == len(first)

    leads = services[0].items("/leads")
    assert len(leads) == PEOPLE
    for lead in leads:
        lead_events = [each for each in first if each["lead_id"] == lead["id"]]
        entries = [{**entry, "lead_id": lead["id"]} for entry in services[0].items(f"/leads/{lead['id']}/timeline")]
        assert lead_events == entries[::-1]
    assert {event["lead_id"] for event in first} == {lead["id"] for lead in leads}


async def write_and_read(services: Sequence[Service]) -> list[list[Event]]:
    """Write and read the feed concurrently; return the events that each reader saw."""
    chance, done = random.Random(1), asyncio.Event()
    limits = httpx.Limits(max_connections=24)
    headers = {"X-API-Key": services[0].site.key}
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=TIMEOUT_SECONDS, trust_env=False) as client:

        async def ask(method: str, path: str, **request: Any) -> Any:
            response = await client.request(method, f"{chance.choice(services).url}{path}", **request)
            assert response.status_code < 500, response.text
            return response.json()

        async def write(number: int) -> None:
            """Create a lead twice concurrently, follow it up, change it, and send refused requests."""
            lead_input = {"name": "Zoë", "email": f"zoe{number}@example.com"}
            await asyncio.gather(*(ask("POST", "/leads", json=lead_input) for _ in range(2)))
            id = (await ask("POST", "/leads?on_duplicate=return", json=lead_input))["id"]
            await asyncio.gather(
                ask("POST", f"/leads/{id}/follow-up"),
                ask("PATCH", f"/leads/{id}", json={"status": "contacted", "name": "Zoé"}),
                ask("PATCH", f"/leads/{id}", json={"status": "converted"}),
                ask("PATCH", f"/leads/{id}", json={"name": "Zoe", "email": "zoe0@example.com"}),
            )
            scheduled = True
            while scheduled:  # until the follow-up is sent or cancelled, which is an event too
                found = await ask("GET", f"/leads/{id}/follow-ups")
                scheduled = any(each["state"] == "scheduled" for each in found["items"])

        async def read_feed() -> list[Event]:
            seen: list[Event] = []
            after: dict[str, str] = {}
            while True:
                over = done.is_set()
                page = await ask("GET", "/events", params={"limit": chance.choice([1, 7, 200]), **after})
                seen += page["items"]
                after = {"after": page["next_cursor"]} if page["items"] else after
                if over and not page["items"]:
                    return seen

        async def write_all() -> None:
            await asyncio.gather(*map(write, range(PEOPLE)))
            done.set()

        seen = await asyncio.gather(*(read_feed() for _ in range(FOLLOWERS)), write_all())
        return [each for each in seen if each is not None]
