"""Tell everything that is kept about a person."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from leads_domain.events import TimelineEntry
from leads_domain.follow_up import FollowUp
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, Page
from leads_domain.ports import UnitOfWork

Item = TypeVar("Item")
At = TypeVar("At")


@dataclass(frozen=True, slots=True)
class Dossier:
    """A lead, the ids that it had before merges, and all that belongs to it, each in the order of its list."""

    lead: Lead
    merged_ids: Sequence[LeadId]
    follow_ups: Sequence[FollowUp]
    timeline: Sequence[TimelineEntry]


def export_lead(work: UnitOfWork, id: LeadId) -> Dossier:
    """The dossier of a lead; raises `NotFound`."""
    return Dossier(
        lead=work.leads.get(id),
        merged_ids=work.leads.redirected_to(id),
        follow_ups=[*_all(lambda after: work.follow_ups.page(FollowUpQuery(lead_id=id, after=after, limit=LIMIT_MAX)))],
        timeline=[*_all(lambda before: work.timeline.of_lead(id, before=before, limit=LIMIT_MAX))],
    )


def _all(page: Callable[[At | None], Page[Item, At]]) -> Iterator[Item]:
    """The items of all pages."""
    at: At | None = None
    while True:
        found = page(at)
        yield from found.items
        at = found.next
        if at is None:
            return
