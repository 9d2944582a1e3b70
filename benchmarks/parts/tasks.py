"""Measure how long lists of tasks take, and `leads today`, with a million leads and as many tasks."""

import resource
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
from sqlalchemy import insert

from benchmarks import sample
from benchmarks.bench import Bench, log
from benchmarks.figures import Figure, Findings, Goal
from benchmarks.parts.finding import time_pages, time_request
from benchmarks.parts.postgres import server
from benchmarks.service import Filled
from leads_adapters.ids import Uuid7Source
from leads_adapters.sql.tables import follow_ups

_PAGES = 20
"""The number of pages that are read of each list."""

_TODAY = "due_from={today}&due_before={tomorrow}"
_LISTS = (
    "tasks",
    "tasks?overdue=true",
    "tasks?assignee=sales0@example.com&overdue=true",
    "tasks?assignee=sales39@example.com&overdue=true",
    f"tasks?{_TODAY}",
    f"tasks?assignee=sales0@example.com&state=open&{_TODAY}",
    "tasks?state=done&due_from={today}",
    "leads/{lead}/tasks",
    "leads/{lead}/tasks?assignee=sales0@example.com",
    "leads?follow_up=overdue",
    "leads?follow_up=overdue&sort=next_follow_up_at",
)
_COUNTS = ("tasks?overdue=true&limit=1&count=true", "tasks?state=done&limit=1&count=true")
_COMMANDS = (("pipeline",), ("today",), ("today", "--assignee", "sales0@example.com"), ("today", "--json"))
_new_id = Uuid7Source().new


def measure(bench: Bench) -> Findings:
    """Measure the first pages of each list, one request at a time, and the command, on both databases."""
    figures = _measure_database(bench, "SQLite", bench.fill("tasks", bench.many, sample_of=sample.lead_with_task))
    with server() as url:
        filled = bench.fill("tasks-postgres", bench.many, url, sample.lead_with_task)
        figures += _measure_database(bench, "PostgreSQL", filled)
    return Findings(figures)


def _measure_database(bench: Bench, database: str, filled: Filled) -> list[Figure]:
    ids = filled.ids.read_text().split()
    _add_failed_follow_ups(filled, ids)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    values = {"lead": ids[0], "today": _time_text(today), "tomorrow": _time_text(today + timedelta(days=1))}
    found = []
    with filled.serve() as (service, target), httpx.Client(headers=target.headers, timeout=60) as client:
        for name in _LISTS:
            log(f"Tasks: {name} ...")
            url = f"{service.url}/{quote(name.format(**values), safe='/?=&@-:')}"
            times = [each for _ in range(bench.rounds) for each in time_pages(client, url, _PAGES)]
            found.append(Figure(f"ms on {database}: {name}", times, Goal(most=30)))
        for name in _COUNTS:
            times = [time_request(client, f"{service.url}/{name}")[0] for _ in range(bench.rounds)]
            found.append(Figure(f"ms on {database}: {name}", times))
        for command in _COMMANDS:
            seconds = [_processor_time(filled, command) for _ in range(bench.rounds)]
            found.append(Figure(f"processor s on {database}: leads {' '.join(command)}", seconds, Goal(most=1)))
    return found


def _add_failed_follow_ups(filled: Filled, ids: list[str]) -> None:
    """Store a failed follow-up of each of these leads; a tenth of them has failed in the last week."""
    now = datetime.now(UTC)
    step = timedelta(days=70) / len(ids)
    failed = [_failed_follow_up(id, now - number * step) for number, id in enumerate(ids)]
    with filled.installation.engine() as engine:
        with engine.begin() as connection:
            connection.execute(insert(follow_ups), failed)
        if engine.dialect.name == "postgresql":
            with closing(engine.raw_connection()) as raw:
                raw.driver_connection.execute("VACUUM ANALYZE")  # autovacuum would do it soon


def _failed_follow_up(lead: str, at: datetime) -> dict[str, object]:
    times = dict.fromkeys(("due_at", "created_at", "updated_at"), at)
    texts = {"recipient": "lead", "channel": "log", "message": "Hello", "state": "failed", "last_error": "refused"}
    return {"id": _new_id(), "lead_id": lead, "attempts": 8, "claims": 8, **texts, **times}


def _processor_time(filled: Filled, command: tuple[str, ...]) -> float:
    """Return the processor time of a command. Most of it is the start of Python, which other work would slow down."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    filled.installation.leads(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _time_text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
