"""Read the timeline of a lead."""

from leads_domain.events import TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_DEFAULT, PAGE_BYTES_MAX, Page
from leads_domain.ports import UnitOfWork


def read_timeline(
    work: UnitOfWork,
    lead_id: LeadId,
    *,
    before: int | None = None,
    limit: int = LIMIT_DEFAULT,
    bytes_max: int = PAGE_BYTES_MAX,
) -> Page[TimelineEntry, int]:
    """Return a page of the timeline of a lead, newest first; raises `NotFound` if the lead never existed.

    The timeline of an erased lead has one entry, the erasure.
    """
    page = work.timeline.of_lead(lead_id, before=before, limit=limit, bytes_max=bytes_max)
    if not page.items:
        work.leads.get(lead_id)
    return page


def count_timeline(work: UnitOfWork, lead_id: LeadId) -> int:
    """Return the number of entries in the timeline of a lead; raises `NotFound` if the lead never existed."""
    number = work.timeline.count_of_lead(lead_id)
    if not number:
        work.leads.get(lead_id)
    return number
