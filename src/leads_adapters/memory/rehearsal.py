"""Dry runs that are small enough to be kept in memory."""

from leads_domain.lead import Lead


class MemoryRehearsal:
    """See `Rehearsal`."""

    def __init__(self) -> None:
        self._kept: dict[str, Lead] = {}

    def find(self, email_key: str) -> Lead | None:
        """See `Rehearsal.find`."""
        return self._kept.get(email_key)

    def keep(self, lead: Lead) -> None:
        """See `Rehearsal.keep`."""
        self._kept[lead.email.key] = lead
