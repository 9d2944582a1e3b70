"""Statistics of all leads, and the port that counts them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from leads_domain.pipeline import Status


@dataclass(frozen=True, slots=True)
class SourceCount:
    """The numbers of leads, won leads and enquiries from a source. An unknown source is None."""

    source: str | None
    leads: int
    conversions: int
    enquiries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The statistics at one time.

    `by_status` has all statuses of the pipeline in its order, and then statuses of leads that it no longer has.
    `by_source` has the sources with the most leads, and `other_sources` the totals of all other sources.
    """

    at: datetime
    total: int
    by_status: Mapping[Status, int]
    conversions: int
    median_time_to_first_contact: timedelta | None
    overdue_follow_ups: int
    overdue_tasks: int
    enquiries: int
    by_source: Sequence[SourceCount]
    other_sources: SourceCount

    @property
    def conversion_rate(self) -> float | None:
        """Return the fraction of leads that were won; None if there are no leads."""
        return self.conversions / self.total if self.total else None


class Reports(Protocol):
    """Reports that count leads, follow-ups and enquiries. They are slow if there are many."""

    def leads_by_status(self) -> Mapping[Status, int]:
        """Return the number of leads by status, without statuses that no lead has."""

    def counts_by_source(self, won: Collection[Status], *, limit: int) -> Sequence[SourceCount]:
        """Return up to `limit` sources with the most leads; a status in `won` is a conversion.

        An enquiry without a source counts for the source of its lead. Sources with the same number of leads are ordered
        by code points, after the unknown source.
        """

    def enquiries(self) -> int:
        """Return the number of enquiries of all leads."""

    def median_time_to_first_contact(self) -> timedelta | None:
        """Return the median time to first contact of all contacted leads; None if there are none.

        For an even number of leads it is the mean of the two middle values. A contact before the creation of its lead,
        as a merge can show it, counts as immediate.
        """

    def overdue_follow_ups(self, now: datetime) -> int:
        """Return the number of scheduled follow-ups that are past their due time."""
