"""How long it takes to find some of a million leads."""

import time
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import quote

import httpx

from benchmarks import sample
from benchmarks.bench import Bench, tell
from benchmarks.figures import Figure, Findings, Goal
from benchmarks.parts.postgres import server
from benchmarks.service import Filled

_ONE_FILTER = (
    "q=j",
    "q=jo",
    "q=com",
    "q=company12",
    "q=josu ber",
    "q=4989 012",
    "q=089 0123456",
    "source=fair",
    "owner=sales39@example.com",
    "status=lost&status=converted",
    "status=lost&sort=name",
    "owner=sales39@example.com&sort=-updated_at",
    "q=jo&sort=name",
    "status=converted&sort=next_follow_up_at",
    "created_from=2020-01-01T00:00:00Z&sort=-updated_at",
    "follow_up=overdue&sort=name",
    "follow_up=none&sort=updated_at",
)
_SEVERAL = (
    "q=jo&status=new",
    "status=lost&source=fair&q=jo",
    "status=converted&source=fair&sort=name",
    "source=telephone&follow_up=overdue&sort=-updated_at",
    "owner=sales39@example.com&q=company12&sort=updated_at",
    "status=converted&owner=sales39@example.com&q=su&sort=name",
    "owner=sales0@example.com&q=j&created_from=2020-01-01T00:00:00Z&sort=next_follow_up_at",
    "status=lost&source=nowhere&follow_up=scheduled",
)
_GOALS = dict.fromkeys(_ONE_FILTER, Goal(most=30)) | dict.fromkeys(_SEVERAL, Goal(most=300))


def measure(bench: Bench) -> Findings:
    """Milliseconds for the first and the second page of each question, one after the other, on both databases."""
    figures = _asked(bench, "SQLite", bench.filled("finding", bench.many, sample_of=sample.varied_lead))
    with server() as url:
        filled = bench.filled("finding-postgres", bench.many, url, sample.varied_lead)
        with filled.installation.engine() as engine, closing(engine.raw_connection()) as connection:
            connection.driver_connection.execute("VACUUM ANALYZE leads")  # as the server itself would do soon
        figures += _asked(bench, "PostgreSQL", filled)
    return Findings(figures)


def _asked(bench: Bench, database: str, filled: Filled) -> list[Figure]:
    with filled.serving() as (_, target), httpx.Client(headers=target.headers, timeout=60) as client:
        found = []
        for question, goal in _GOALS.items():
            tell(f"Finding: {question} ...")
            url = f"{target.leads}?limit=50&{quote(question, safe='=&@-')}"
            milliseconds = [each for _ in range(bench.rounds) for each in _two_pages(client, url)]
            found.append(Figure(f"ms on {database}: {question}", milliseconds, goal))
        total = [_milliseconds(client, f"{target.leads}?limit=1&q=jo&count=true")[0] for _ in range(bench.rounds)]
        return [*found, Figure(f"ms on {database}: q=jo&count=true", total)]


def _two_pages(client: httpx.Client, url: str) -> list[float]:
    first, page = _milliseconds(client, url)
    if page["next_cursor"] is None:
        return [first]
    return [first, _milliseconds(client, f"{url}&cursor={page['next_cursor']}")[0]]


def _milliseconds(client: httpx.Client, url: str) -> tuple[float, Mapping[str, str | None]]:
    began = time.perf_counter()
    answer = client.get(url).raise_for_status()
    return (time.perf_counter() - began) * 1000, answer.json()
