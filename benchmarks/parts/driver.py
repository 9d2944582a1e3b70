"""Measure the statements of the workloads with the database driver alone: the limit of one process."""

import itertools
import random
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from benchmarks.bench import Bench, log
from benchmarks.figures import Findings, Rate
from leads_adapters.ids import Uuid7Source
from leads_adapters.sql.tables import leads

_COLUMNS = "id, name, email, identity, status, attributes, created_at, updated_at, version"
_INSERT = f"INSERT INTO leads ({_COLUMNS}) VALUES (?, ?, ?, ?, 'new', '{{}}', ?, ?, 1)"
_SELECT = f"SELECT {', '.join(leads.columns.keys())} FROM leads"
_PAGE = f"{_SELECT} ORDER BY created_at DESC, id DESC LIMIT 51"
_NOW = "2026-01-01T00:00:00.000000Z"


def measure(bench: Bench) -> Findings:
    """Measure the operations a second of the driver, with a connection as durable as the service's."""
    filled = bench.fill("driver", bench.leads)
    ids = filled.ids.read_text().split()
    new_id = Uuid7Source().new
    numbers = itertools.count()

    def read() -> None:
        cursor.execute(f"{_SELECT} WHERE id = ?", (random.choice(ids),)).fetchall()

    def page() -> None:
        cursor.execute(_PAGE).fetchall()

    def insert(commit_size: int) -> None:
        cursor.execute("BEGIN IMMEDIATE")
        for _ in range(commit_size):
            email = f"raw.{next(numbers)}@example.com"
            cursor.execute(_INSERT, (new_id(), "Jane Doe", email, email, _NOW, _NOW))
        cursor.execute("COMMIT")

    def rate(name: str, work: Callable[[], None], times: int = 1) -> Rate:
        return Rate(f"driver alone: {name}", times * _per_second(work, bench.seconds))

    log("Measuring the driver ...")
    with filled.installation.engine() as engine, closing(engine.raw_connection()) as connection:
        cursor: Any = connection.cursor()
        return Findings(
            rates=[
                rate("read", read),
                rate("page", page),
                rate("insert, one a commit", lambda: insert(1)),
                rate("insert, 64 a commit", lambda: insert(64), 64),
            ]
        )


def _per_second(work: Callable[[], None], seconds: float) -> float:
    began = time.perf_counter()
    for times in itertools.count(1):
        work()
        if (spent := time.perf_counter() - began) >= seconds:
            return times / spent
    raise AssertionError
