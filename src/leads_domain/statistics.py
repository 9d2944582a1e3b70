"""How the desk is doing, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads_domain.pipeline import Status


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How many leads came from a source, which may be unknown, and how many of them were won."""

    source: str | None
    leads: int
    conversions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """All numbers of one moment.

    `by_status` has every status of the pipeline, in its order, and then those that it does not have any more.
    `by_source` has the sources of most leads, `other_sources` what all others have together.
    """

    at: datetime
    total: int
    by_status: Mapping[Status, int]
    conversions: int
    median_time_to_first_contact: timedelta | None
    overdue_follow_ups: int
    by_source: Sequence[SourceCount]
    other_sources: SourceCount

    @property
    def conversion_rate(self) -> float | None:
        """Return the fraction of leads that were won; None without leads."""
        return self.conversions / self.total if self.total else None
