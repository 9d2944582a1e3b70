"""Look follow-ups up."""

from leads_domain.follow_up import FollowUp, FollowUpId
from leads_domain.lead import LeadId
from leads_domain.paging import LIMIT_DEFAULT, Page, Position
from leads_domain.ports import UnitOfWork


def find_follow_up(work: UnitOfWork, id: FollowUpId) -> FollowUp:
    """One follow-up; raises `NotFound`."""
    return work.follow_ups.get(id)


def list_follow_ups_of_lead(
    work: UnitOfWork, lead_id: LeadId, *, after: Position | None = None, limit: int = LIMIT_DEFAULT
) -> Page[FollowUp, Position]:
    """A page of a lead's follow-ups by due time; raises `NotFound` if there is no such lead."""
    work.leads.get(lead_id)
    return work.follow_ups.of_lead(lead_id, after=after, limit=limit)
