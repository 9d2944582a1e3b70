"""Lock two leads of one request."""

from leads_domain.errors import NotFound
from leads_domain.lead import Lead, LeadId
from leads_domain.ports import UnitOfWork


def lock_pair(work: UnitOfWork, id: LeadId, other_id: LeadId) -> tuple[Lead, Lead | NotFound]:
    """Lock and return two different leads; raises `NotFound` for the first one.

    If the other one does not exist, its error is returned.
    """
    found: dict[LeadId, Lead | NotFound] = {}
    for each in sorted([id, other_id]):  # a fixed order, so that requests with the same leads cannot deadlock
        try:
            found[each] = work.leads.get_for_update(each)
        except NotFound as not_found:
            found[each] = not_found
    lead = found[id]
    if isinstance(lead, NotFound):
        raise lead
    return lead, found[other_id]
