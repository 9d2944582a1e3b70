"""Leads in and out by the million: the loops behind `leads import` and `leads export`, and behind the same over HTTP.

They are synchronous, as reading and writing files is, and hold no more than a batch at a time.
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

BATCH_TEXT = 2**20
"""After how many characters a batch is full, however few its rows are."""

PAGE = 100
"""How many leads are read at a time."""


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, work: Coroutine[Any, Any, ResultT], /) -> ResultT:
        """What the coroutine returns."""


@dataclass(frozen=True, slots=True)
class Importing:
    """Imports a file, in a unit of work for every `batch` of rows: what came before an error stays.

    A batch is large enough to spread its cost, and small enough not to hold up others.
    """

    database: Database
    import_leads: ImportLeads
    open_dry_run: Callable[[], AbstractContextManager[DryRun]]
    batch: int

    def __call__(
        self, rows: Iterator[Row], run: Run, *, actor: str, on_duplicate: OnDuplicate, rules: bool, dry_run: bool
    ) -> Iterator[tuple[Row, ImportResult, Candidate | None]]:
        """Yield each row with its result, and as a candidate if it was one, in the order of the file.

        With `dry_run`, the result is what it would be.
        """
        with self.open_dry_run() if dry_run else nullcontext() as trial:
            run_use_case = self.database.read_long if dry_run else self.database.write
            for batch in _batches(rows, self.batch):
                checked = [self._checked(row) for row in batch]
                candidates = [each for each in checked if isinstance(each, Candidate)]
                use_case = run_use_case(
                    self.import_leads,
                    candidates,
                    actor=actor,
                    on_duplicate=on_duplicate,
                    rules=rules,
                    dry_run=trial,
                )
                results = iter(run(use_case))
                for row, each in zip(batch, checked, strict=True):
                    yield (row, next(results), each) if isinstance(each, Candidate) else (row, each, None)

    def _checked(self, row: Row) -> Candidate | ValidationFailed:
        if isinstance(row.given, ValidationFailed):
            return row.given
        try:
            return self.import_leads.check(row.given, row.state, merge_attributes=row.merge_attributes)
        except ValidationFailed as refusal:
            return refusal


def _batches(rows: Iterator[Row], most: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    text = 0
    for row in rows:
        batch.append(row)
        text += sum(map(len, row.cells))
        if len(batch) == most or text >= BATCH_TEXT:
            yield batch
            batch, text = [], 0
    if batch:
        yield batch


def all_leads(database: Database, run: Run, query: LeadQuery) -> Iterator[Lead]:
    """Yield every lead that `query` asks for, the oldest first: no change of a lead changes this order.

    Each page is read by itself: leads that are created meanwhile come last.
    """

    def read(after: LeadPosition | None) -> Page[Lead, LeadPosition]:
        following = replace(query, sort=LeadSort.OLDEST_FIRST, limit=PAGE, after=after)
        return run(database.read_long(lambda work: work.leads.page(following)))

    page = read(query.after)
    yield from page.items
    while page.next is not None:
        page = read(page.next)
        yield from page.items
