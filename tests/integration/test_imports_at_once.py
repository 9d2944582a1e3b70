"""Test two concurrent imports of the same rows into one PostgreSQL database."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import URL

from builders import details_input
from leads_adapters.lead_files import Row
from leads_app.container import Container
from leads_app.settings import Settings
from leads_domain.use_cases.import_summary import ImportSummary
from leads_domain.use_cases.register_lead import OnDuplicate
from postgres import connect, postgres_url

ROWS = 2_000
BATCH = 500
IMPORTERS = 2


def rows(numbers: Iterable[int], name: str) -> list[Row]:
    return [Row(number, details_input(email=f"a{number}@example.com", name=name), ()) for number in numbers]


def import_them(url: URL, wanted: list[Row], on_duplicate: OnDuplicate, begin: Barrier) -> ImportSummary:
    container = Container(settings=Settings(database_url=url))
    summary = ImportSummary()
    with asyncio.Runner() as runner:
        importing = replace(container.importing(), batch=BATCH)
        begin.wait()
        results = importing(
            iter(wanted), runner.run, actor="test", on_duplicate=on_duplicate, rules=False, dry_run=False
        )
        for _, imported, _ in results:
            summary.count(imported)
        runner.run(container.database().close())
    return summary


@pytest.mark.parametrize("on_duplicate", list(OnDuplicate))
def test_both_imports_finish_and_every_lead_is_stored_once(on_duplicate: OnDuplicate) -> None:
    begin = Barrier(IMPORTERS, timeout=30)
    # Both imports have the same batches with rows in opposite order, which could deadlock.
    orders = [
        list(range(ROWS)),
        [at for start in range(0, ROWS, BATCH) for at in reversed(range(start, start + BATCH))],
    ]
    with postgres_url() as url:
        before = deadlocks(url)
        import_them(url, rows(range(0, ROWS, 2), "before"), OnDuplicate.ERROR, Barrier(1))
        with ThreadPoolExecutor(IMPORTERS) as threads:
            under_way = [
                threads.submit(import_them, url, rows(order, f"importer {number}"), on_duplicate, begin)
                for number, order in enumerate(orders)
            ]
            summaries = [each.result() for each in under_way]
        with connect(url) as connection:
            stored = connection.execute("SELECT email FROM leads").fetchall()
        after = deadlocks(url)

    assert Counter(stored) == Counter((f"a{number}@example.com",) for number in range(ROWS))
    assert sum(summary.created for summary in summaries) == ROWS // 2
    assert sum(summary.refused for summary in summaries) == 0
    assert after == before


def deadlocks(url: URL) -> int:
    """Return the number of deadlocks so far; earlier tests may have used the database."""
    statement = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with connect(url) as connection:
        ((number,),) = connection.execute(statement).fetchall()
    return int(number)
