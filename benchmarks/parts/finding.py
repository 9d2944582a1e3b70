"""Measure how long searches take in a million leads."""

import time
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import quote

import httpx

from benchmarks import sample
from benchmarks.bench import Bench, log
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
    """Measure the milliseconds of the first and second page of each query, one at a time, on both databases."""
    figures = _measure_database(bench, "SQLite", bench.fill("finding", bench.many, sample_of=sample.varied_lead))
    with server() as url:
        filled = bench.fill("finding-postgres", bench.many, url, sample.varied_lead)
        with filled.installation.engine() as engine, closing(engine.raw_connection()) as connection:
            connection.driver_connection.execute("VACUUM ANALYZE leads")  # autovacuum would do it soon
        figures += _measure_database(bench, "PostgreSQL", filled)
    return Findings(figures)


def _measure_database(bench: Bench, database: str, filled: Filled) -> list[Figure]:
    with filled.serve() as (_, target), httpx.Client(headers=target.headers, timeout=60) as client:
        found = []
        for query, goal in _GOALS.items():
            log(f"Finding: {query} ...")
            url = f"{target.leads}?limit=50&{quote(query, safe='=&@-')}"
            milliseconds = [each for _ in range(bench.rounds) for each in time_pages(client, url)]
            found.append(Figure(f"ms on {database}: {query}", milliseconds, goal))
        total = [time_request(client, f"{target.leads}?limit=1&q=jo&count=true")[0] for _ in range(bench.rounds)]
        return [*found, Figure(f"ms on {database}: q=jo&count=true", total)]


def time_pages(client: httpx.Client, url: str, pages: int = 2) -> list[float]:
    """Return the milliseconds of the first pages of a list."""
    separator, cursor = "&" if "?" in url else "?", ""
    times = []
    for _ in range(pages):
        milliseconds, page = time_request(client, url + cursor)
        times.append(milliseconds)
        if page["next_cursor"] is None:
            break
        cursor = f"{separator}cursor={page['next_cursor']}"
    return times


def time_request(client: httpx.Client, url: str) -> tuple[float, Mapping[str, str | None]]:
    """Return the milliseconds of a request, and its response."""
    began = time.perf_counter()
    response = client.get(url).raise_for_status()
    return (time.perf_counter() - began) * 1000, response.json()
