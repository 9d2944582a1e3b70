"""Find similar leads in a dictionary."""

from collections.abc import Mapping, Sequence
from itertools import islice

from leads_domain.lead import Lead, LeadId
from leads_domain.similarity import Reason, reasons


class MemorySimilarLeads:
    """Compares all leads, and stores the pairs of distinct leads in a set."""

    def __init__(self, leads: Mapping[LeadId, Lead], distinct: set[frozenset[LeadId]]) -> None:
        self._leads = leads
        self._distinct = distinct

    def find(self, lead: Lead, limit: int) -> Sequence[Lead]:
        """See `SimilarLeads.find`."""
        left_out = {lead.id, *self.distinct_from(lead.id)}
        others = [(each, reasons(lead, each)) for each in self._leads.values() if each.id not in left_out]
        similar = {
            each.id: each
            for reason in Reason
            for each in islice((other for other, found in others if reason in found), limit)
        }
        return list(similar.values())

    def add_distinct(self, id: LeadId, other_id: LeadId) -> None:
        """See `SimilarLeads.add_distinct`."""
        self._distinct.add(frozenset([id, other_id]))

    def distinct_from(self, id: LeadId) -> Sequence[LeadId]:
        """See `SimilarLeads.distinct_from`."""
        return sorted(other for pair in self._distinct if id in pair for other in pair - {id})

    def erase(self, id: LeadId) -> None:
        """See `SimilarLeads.erase`."""
        self._distinct -= {pair for pair in self._distinct if id in pair}
