"""Store the leads of a dry run in a dictionary."""

from leads_domain.lead import Lead


class MemoryDryRun:
    """The leads of a dry run in a dictionary; see `DryRun`."""

    def __init__(self) -> None:
        self._leads: dict[str, Lead] = {}

    def find(self, email_key: str) -> Lead | None:
        """See `DryRun.find`."""
        return self._leads.get(email_key)

    def store(self, lead: Lead) -> None:
        """See `DryRun.store`."""
        self._leads[lead.email.key] = lead
