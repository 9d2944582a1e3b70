"""Look leads up."""

from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadQuery, Page, Position
from leads_domain.ports import UnitOfWork


def find_lead(work: UnitOfWork, id: LeadId) -> Lead:
    """One lead; raises `NotFound`."""
    return work.leads.get(id)


def list_leads(work: UnitOfWork, query: LeadQuery) -> Page[Lead, Position]:
    """A page of leads."""
    return work.leads.page(query)
