"""Count the leads, follow-ups and enquiries in memory."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median_high, median_low
from typing import cast

from leads_domain.events import EventType, TimelineEntry
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState
from leads_domain.lead import Lead, LeadId
from leads_domain.pipeline import Status
from leads_domain.statistics import SourceCount


class MemoryReports:
    """Reports on the contents of the other stores."""

    def __init__(
        self,
        leads: Mapping[LeadId, Lead],
        follow_ups: Mapping[FollowUpId, FollowUp],
        timeline: Sequence[TimelineEntry],
    ) -> None:
        self._leads = leads
        self._follow_ups = follow_ups
        self._timeline = timeline

    def leads_by_status(self) -> Mapping[Status, int]:
        """See `Reports.leads_by_status`."""
        return Counter(lead.status for lead in self._leads.values())

    def counts_by_source(self, won: Collection[Status], *, limit: int) -> Sequence[SourceCount]:
        """See `Reports.counts_by_source`."""
        leads = Counter(lead.source for lead in self._leads.values())
        conversions = Counter(lead.source for lead in self._leads.values() if lead.status in won)
        enquiries = Counter(
            cast(str | None, entry.data["source"]) or self._leads[LeadId(entry.lead_id)].source
            for entry in self._enquiries()
        )
        counts = [
            SourceCount(source, leads[source], conversions[source], enquiries[source]) for source in leads | enquiries
        ]
        return sorted(counts, key=lambda each: (-each.leads, each.source is not None, each.source or ""))[:limit]

    def enquiries(self) -> int:
        """See `Reports.enquiries`."""
        return len(self._enquiries())

    def _enquiries(self) -> list[TimelineEntry]:
        return [entry for entry in self._timeline if entry.type is EventType.LEAD_ENQUIRED]

    def median_time_to_first_contact(self) -> timedelta | None:
        """See `Reports.median_time_to_first_contact`."""
        contacted = [(lead, lead.contacted_at) for lead in self._leads.values() if lead.contacted_at]
        times = [max(at - lead.created_at, timedelta()) for lead, at in contacted]
        return (median_low(times) + median_high(times)) / 2 if times else None

    def overdue_follow_ups(self, now: datetime) -> int:
        """See `Reports.overdue_follow_ups`."""
        return sum(each.state is FollowUpState.SCHEDULED and each.due_at < now for each in self._follow_ups.values())
