"""Export a person's data."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from leads_domain.events import TimelineEntry
from leads_domain.follow_up import FollowUp
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, Page
from leads_domain.ports import UnitOfWork

Item = TypeVar("Item")
At = TypeVar("At")


@dataclass(frozen=True, slots=True)
class PersonalDataExport:
    """A lead, the ids that it had before merges, and all that belongs to it, each in the order of its list.

    Of the answers that are kept for repeated requests, which say nothing else, when they were given.
    """

    lead: Lead
    merged_ids: Sequence[LeadId]
    follow_ups: Sequence[FollowUp]
    timeline: Sequence[TimelineEntry]
    replied_at: Sequence[datetime]


def export_lead(work: UnitOfWork, id: LeadId) -> PersonalDataExport:
    """Return everything stored about a lead; raises `NotFound`."""
    lead, merged_ids = work.leads.get(id), work.leads.redirected_to(id)
    return PersonalDataExport(
        lead=lead,
        merged_ids=merged_ids,
        follow_ups=[*_all(lambda after: work.follow_ups.page(FollowUpQuery(lead_id=id, after=after, limit=LIMIT_MAX)))],
        timeline=[*_all(lambda before: work.timeline.of_lead(id, before=before, limit=LIMIT_MAX))],
        replied_at=sorted(at for each in (id, *merged_ids) for at in work.idempotency.creation_times(each)),
    )


def _all(page: Callable[[At | None], Page[Item, At]]) -> Iterator[Item]:
    """Yield the items of all pages."""
    at: At | None = None
    while True:
        found = page(at)
        yield from found.items
        at = found.next
        if at is None:
            return
