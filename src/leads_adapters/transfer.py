"""Import and export files of leads: the loops behind `leads import`, `leads export` and their HTTP endpoints.

They are synchronous, as file I/O is, and hold one batch in memory.
"""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from leads_adapters.database import Database
from leads_adapters.lead_files import Row
from leads_domain.errors import ValidationFailed
from leads_domain.lead import Lead
from leads_domain.paging import LeadPosition, LeadQuery, LeadSort, Page
from leads_domain.use_cases.import_leads import Candidate, DryRun, ImportLeads, ImportResult
from leads_domain.use_cases.register_lead import OnDuplicate

ResultT = TypeVar("ResultT")

BATCH_CHARACTERS_MAX = 2**20
"""The number of characters and cells after which a batch ends early. Empty cells take memory, too."""

PAGE_SIZE = 100
"""The number of leads in a page of an export."""

PAGE_BYTES = 2**20
"""The size of a page of an export, which is in memory."""


class Run(Protocol):
    """Runs a coroutine until it is complete."""

    def __call__(self, work: Coroutine[Any, Any, ResultT], /) -> ResultT:
        """Return the result of the coroutine."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Imports a file, with one unit of work for each `batch` of rows. Batches before an error stay imported.

    A larger batch costs less for each row; a smaller one delays other requests less.
    """

    database: Database
    import_leads: ImportLeads
    open_dry_run: Callable[[], AbstractContextManager[DryRun]]
    batch: int

    def __call__(
        self,
        rows: Iterator[Row],
        run: Run,
        *,
        actor: str,
        on_duplicate: OnDuplicate,
        rules: bool,
        dry_run: bool,
        lenient: bool = False,
    ) -> Iterator[tuple[Row, ImportResult, Candidate | None]]:
        """Yield each row with its result, and its candidate if the row was valid, in the order of the file.

        With `dry_run`, nothing is stored, and the results are the same as in an import. If `lenient`, wrong
        optional values become attributes.
        """
        with self.open_dry_run() if dry_run else nullcontext() as dry_run_store:
            run_use_case = self.database.read_background if dry_run else self.database.write
            for batch in _batches(rows, self.batch):
                checked = [self._checked(row, lenient=lenient) for row in batch]
                candidates = [each for each in checked if isinstance(each, Candidate)]
                use_case = run_use_case(
                    self.import_leads,
                    candidates,
                    actor=actor,
                    on_duplicate=on_duplicate,
                    rules=rules,
                    dry_run=dry_run_store,
                )
                results = iter(run(use_case))
                for row, each in zip(batch, checked, strict=True):
                    yield (row, next(results), each) if isinstance(each, Candidate) else (row, each, None)

    def _checked(self, row: Row, *, lenient: bool) -> Candidate | ValidationFailed:
        if isinstance(row.given, ValidationFailed):
            return row.given
        try:
            return self.import_leads.check(
                row.given, row.state, merge_attributes=row.merge_attributes, lenient=lenient, warnings=row.warnings
            )
        except ValidationFailed as error:
            return error


def _batches(rows: Iterator[Row], rows_max: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    characters = 0
    for row in rows:
        batch.append(row)
        characters += len(row.cells) + sum(map(len, row.cells))
        if len(batch) == rows_max or characters >= BATCH_CHARACTERS_MAX:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def all_leads(database: Database, run: Run, query: LeadQuery) -> Iterator[Lead]:
    """Yield every lead that matches `query`, oldest first. Changes of leads do not affect this order.

    Each page is a separate read: leads that are created during the export come last.
    """

    def read(after: LeadPosition | None) -> Page[Lead, LeadPosition]:
        page_query = replace(query, sort=LeadSort.OLDEST_FIRST, limit=PAGE_SIZE, bytes_max=PAGE_BYTES, after=after)
        return run(database.read_background(lambda work: work.leads.page(page_query)))

    page = read(query.after)
    yield from page.items
    while page.next is not None:
        page = read(page.next)
        yield from page.items
