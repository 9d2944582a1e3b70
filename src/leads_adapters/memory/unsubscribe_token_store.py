"""Store unsubscribe tokens in a dictionary."""

from collections.abc import Mapping

from leads_domain.lead import LeadId
from leads_domain.unsubscribing import UnsubscribeToken


class MemoryUnsubscribeTokenStore:
    """A store of tokens in a dictionary. Units of work run one at a time."""

    def __init__(self, stored: dict[LeadId, UnsubscribeToken]) -> None:
        self._stored = stored

    def get_or_add(self, tokens: Mapping[LeadId, UnsubscribeToken]) -> Mapping[LeadId, UnsubscribeToken]:
        """See `UnsubscribeTokenStore.get_or_add`."""
        return {lead_id: self._stored.setdefault(lead_id, token) for lead_id, token in tokens.items()}

    def find_lead(self, token: UnsubscribeToken) -> LeadId | None:
        """See `UnsubscribeTokenStore.find_lead`."""
        return next((lead_id for lead_id, stored in self._stored.items() if stored == token), None)

    def erase(self, lead_id: LeadId) -> None:
        """See `UnsubscribeTokenStore.erase`."""
        self._stored.pop(lead_id, None)
