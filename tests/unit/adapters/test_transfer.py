"""Test the batches of an import and an export, and the outcome of each row."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from application import ACTOR, Application
from builders import details_input
from databases import RunningDatabase, memory_database
from leads_adapters.lead_files import Row
from leads_adapters.memory.dry_run import MemoryDryRun
from leads_adapters.transfer import BATCH_CHARACTERS_MAX, PAGE_SIZE, Importer, all_leads
from leads_domain.errors import DuplicateLead, ValidationFailed
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.use_cases.import_leads import ImportLeads
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

BATCH = 3
UNREADABLE = ValidationFailed.because("This row is not UTF-8 text.")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[RunningDatabase]:
    with memory_database(tmp_path) as database:
        yield database


def a_row(number: int, cells: tuple[str, ...] = (), **fields: Any) -> Row:
    return Row(number, details_input(email=f"a{number}@example.com", **fields), cells)


def import_rows(database: RunningDatabase, rows: list[Row], *, dry_run: bool = False) -> tuple[list[Any], list[int]]:
    """Import rows; return the outcome of each row and the number of candidates in each unit of work."""
    sizes: list[int] = []

    class CountingImport(ImportLeads):
        def __call__(self, work: Any, candidates: Any, **options: Any) -> Any:
            sizes.append(len(candidates))
            return super().__call__(work, candidates, **options)

    register_lead = Application(database).register_lead
    importer = Importer(
        database.database, CountingImport(register_lead), lambda: nullcontext(MemoryDryRun()), batch=BATCH
    )
    found = importer(
        iter(rows), database.run, actor=ACTOR, on_duplicate=OnDuplicate.ERROR, rules=False, dry_run=dry_run
    )
    return [(row.line, outcome) for row, outcome, _ in found], sizes


def test_rows_are_imported_in_batches_and_reported_in_order(database: RunningDatabase) -> None:
    outcomes, sizes = import_rows(database, [a_row(number) for number in range(7)])
    assert outcomes == [(number, Outcome.CREATED) for number in range(7)]
    assert sizes == [3, 3, 1]


def test_long_rows_make_smaller_batches(database: RunningDatabase) -> None:
    long = ("x" * (BATCH_CHARACTERS_MAX // 2),)
    _, sizes = import_rows(database, [a_row(number, long) for number in range(5)])
    assert sizes == [2, 2, 1]


def test_empty_cells_make_smaller_batches_too(database: RunningDatabase) -> None:
    _, sizes = import_rows(database, [a_row(number, ("",) * BATCH_CHARACTERS_MAX) for number in range(3)])
    assert sizes == [1, 1, 1]


@pytest.mark.parametrize("dry_run", [False, True])
def test_refused_rows_are_reported_in_the_order_of_the_rows(database: RunningDatabase, dry_run: bool) -> None:
    rows = [Row(0, UNREADABLE, ()), a_row(1), a_row(2, name=""), a_row(1), a_row(3)]
    outcomes, sizes = import_rows(database, rows, dry_run=dry_run)
    (_, unreadable), (_, first), (_, invalid), (_, duplicate), (_, last) = outcomes

    assert unreadable is UNREADABLE
    assert isinstance(invalid, ValidationFailed)
    assert isinstance(duplicate, DuplicateLead)
    assert (first, last) == (Outcome.CREATED, Outcome.CREATED)
    assert sizes == [1, 2]
    assert len(list(all_leads(database.database, database.run, LeadQuery()))) == (0 if dry_run else 2)


def test_all_leads_ignores_the_sort_and_limit_of_the_query(database: RunningDatabase) -> None:
    import_rows(database, [a_row(number) for number in range(2 * PAGE_SIZE + 1)])
    query = LeadQuery(sort=LeadSort.NEWEST_FIRST, limit=1)
    found = [lead.id for lead in all_leads(database.database, database.run, query)]

    assert len(found) == 2 * PAGE_SIZE + 1
    assert found == sorted(found)
