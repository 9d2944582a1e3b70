"""Statistics, and the port that counts for them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from leads_domain.pipeline import Status


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How many leads came from a source, which may be unknown, and how many of them were won."""

    source: str | None
    leads: int
    conversions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The statistics of one moment.

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


class Reports(Protocol):
    """Counts what is stored. Takes longer the more there is."""

    def leads_by_status(self) -> Mapping[Status, int]:
        """Return the number of leads in each status that any has."""

    def leads_by_source(self, won: Collection[Status], *, limit: int) -> Sequence[SourceCount]:
        """Return the sources of most leads, up to `limit`, with how many of them have one of the statuses `won`.

        Of equal numbers the unknown source comes first, then the others by code points.
        """

    def median_time_to_first_contact(self) -> timedelta | None:
        """Return the median time to first contact of all leads that were contacted; None without any.

        Of an even number it is the mean of the two in the middle.
        """

    def overdue_follow_ups(self, now: datetime) -> int:
        """Return how many scheduled follow-ups are past their due time."""
