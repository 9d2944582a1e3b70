"""The same questions to the database's driver, in a loop, with nothing around them: the limit of one process."""

import itertools
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from leads_adapters.ids import Uuid7Source
from leads_adapters.sql.sqlite import sqlite_engine

_COLUMNS = "id, name, email, email_key, status, attributes, created_at, updated_at, version"
_INSERT = f"INSERT INTO leads ({_COLUMNS}) VALUES (?, ?, ?, ?, 'new', '{{}}', ?, ?, 1)"
_PAGE = "SELECT * FROM leads ORDER BY created_at DESC, id DESC LIMIT 51"
_NOW = "2026-01-01T00:00:00.000000Z"


def measure_sqlite(file: Path, ids: list[str], seconds: float) -> Mapping[str, float]:
    """How often a second the driver does each; the connection is durable as the service's is. Leads are added."""
    connection = sqlite_engine(make_url(f"sqlite:///{file}")).raw_connection()
    cursor: Any = connection.cursor()
    new_id = Uuid7Source().new
    numbers = itertools.count()

    def read() -> None:
        cursor.execute("SELECT * FROM leads WHERE id = ?", (random.choice(ids),)).fetchall()

    def page() -> None:
        cursor.execute(_PAGE).fetchall()

    def insert(commit_size: int) -> None:
        cursor.execute("BEGIN IMMEDIATE")
        for _ in range(commit_size):
            email = f"raw.{next(numbers)}@example.com"
            cursor.execute(_INSERT, (new_id(), "Jane Doe", email, email, _NOW, _NOW))
        cursor.execute("COMMIT")

    return {
        "read": _per_second(read, seconds),
        "page": _per_second(page, seconds),
        "insert, one a commit": _per_second(lambda: insert(1), seconds),
        "insert, 64 a commit": 64 * _per_second(lambda: insert(64), seconds),
    }


def _per_second(work: Callable[[], None], seconds: float) -> float:
    began = time.perf_counter()
    for times in itertools.count(1):
        work()
        if (spent := time.perf_counter() - began) >= seconds:
            return times / spent
    raise AssertionError
