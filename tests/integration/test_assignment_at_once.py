"""Test that leads are assigned fairly when several databases of one store create them at once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from builders import details_input
from databases import sqlite_file
from leads_app.assignment_settings import AssignmentSettings
from leads_app.container import Container
from leads_app.settings import Settings
from leads_domain.errors import DuplicateLead
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome
from postgres import postgres_url

LEADS = 200
PROCESSES = 3
COLLEAGUES = ("mia@example.com", "noah@example.com", "oma@example.com")


@contextmanager
def store(name: str, folder: Path) -> Iterator[URL]:
    """Provide an empty database."""
    if name == "sqlite":
        yield URL.create("sqlite", database=str(sqlite_file(folder)))
    else:
        with postgres_url() as url:
            yield url


async def create_at_once(url: URL) -> Counter[str]:
    """Create leads in several containers, each of them twice; return the number of new leads of each owner."""
    settings = Settings(database_url=url, assignment=AssignmentSettings(COLLEAGUES))
    async with AsyncExitStack() as stack:
        containers = [Container(settings=settings) for _ in range(PROCESSES)]
        for container in containers:
            stack.push_async_callback(container.database().close)
        results = await asyncio.gather(
            *(
                containers[(number + copy) % PROCESSES]
                .database()
                .write(
                    containers[0].register_lead(),
                    details_input(email=f"{number}@example.com"),
                    actor="test",
                    on_duplicate=OnDuplicate.ERROR if number % 2 else OnDuplicate.RETURN,
                )
                for number in range(LEADS)
                for copy in range(2)
            ),
            return_exceptions=True,
        )
    unexpected = [each for each in results if isinstance(each, BaseException) and not isinstance(each, DuplicateLead)]
    assert unexpected == []
    registered = [each for each in results if not isinstance(each, BaseException)]
    return Counter(str(each.lead.owner) for each in registered if each.outcome is Outcome.CREATED)


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_concurrent_creates_are_assigned_fairly(name: str, tmp_path: Path) -> None:
    with store(name, tmp_path) as url:
        shares = asyncio.run(create_at_once(url))
    assert sum(shares.values()) == LEADS
    assert shares.keys() == set(COLLEAGUES)
    assert max(shares.values()) - min(shares.values()) <= 1
