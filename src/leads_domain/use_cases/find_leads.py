"""Look leads up."""

from collections.abc import Collection, Mapping

from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadQuery, Page, Position
from leads_domain.ports import UnitOfWork


def find_lead(work: UnitOfWork, id: LeadId) -> Lead:
    """One lead; raises `NotFound`, which tells where a lead that was merged is to be found."""
    return work.leads.get(id)


def find_leads(work: UnitOfWork, ids: Collection[LeadId]) -> Mapping[LeadId, Lead]:
    """Those of several leads that there are."""
    return {lead.id: lead for lead in work.leads.get_many(ids)}


def list_leads(work: UnitOfWork, query: LeadQuery) -> Page[Lead, Position]:
    """A page of leads."""
    return work.leads.page(query)
