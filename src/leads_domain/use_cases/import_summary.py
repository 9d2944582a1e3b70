"""Count the results of an import."""

from dataclasses import dataclass, field

from leads_domain.checking import QUOTE_MAX
from leads_domain.errors import DuplicateLead, ValidationFailed
from leads_domain.use_cases.import_leads import Candidate, ImportResult
from leads_domain.use_cases.register_lead import Outcome

UNKNOWN_STATUSES_MAX = 10
"""The maximum number of different unknown statuses that a summary lists."""


@dataclass(slots=True)
class ImportSummary:
    """Counts of the rows of a file, by result and by the handling of their status.

    A new lead gets the status of the row; an existing lead keeps its own.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    refused: int = 0
    statuses_set: int = 0
    statuses_kept: int = 0
    statuses_unknown: int = 0
    warnings: int = 0
    unknown_statuses: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Return the number of rows that were not refused."""
        return self.created + self.updated + self.unchanged + self.duplicates

    def count(self, result: ImportResult, candidate: Candidate | None = None) -> None:
        """Count the result of one row. An invalid row has no candidate."""
        if candidate and not isinstance(result, ValidationFailed):
            self.warnings += candidate.warnings
        if candidate and candidate.unknown_status is not None:
            self._count_unknown(candidate.unknown_status[:QUOTE_MAX])
        if candidate and candidate.state and candidate.state.status:
            self.statuses_set += result is Outcome.CREATED
            self.statuses_kept += result in (Outcome.UPDATED, Outcome.UNCHANGED)
        match result:
            case Outcome.CREATED:
                self.created += 1
            case Outcome.UPDATED:
                self.updated += 1
            case Outcome.UNCHANGED:
                self.unchanged += 1
            case DuplicateLead():
                self.duplicates += 1
            case ValidationFailed():
                self.refused += 1

    def _count_unknown(self, status: str) -> None:
        self.statuses_unknown += 1
        if status not in self.unknown_statuses and len(self.unknown_statuses) < UNKNOWN_STATUSES_MAX:
            self.unknown_statuses.append(status)
