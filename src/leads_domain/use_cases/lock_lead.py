"""Lock the lead of a follow-up or task."""

from leads_domain.errors import Merged
from leads_domain.lead import Lead, LeadId
from leads_domain.ports import UnitOfWork


def lock_lead(work: UnitOfWork, id: LeadId) -> Lead:
    """Lock and return the lead with this id, or the lead that it was merged into in the meantime; raises `NotFound`.

    Use cases that change a lead and its follow-ups or tasks lock the lead first.
    """
    while True:
        try:
            return work.leads.get_for_update(id)
        except Merged as merged:
            id = LeadId(merged.into)
