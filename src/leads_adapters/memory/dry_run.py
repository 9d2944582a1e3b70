"""Store the leads of a dry run in a dictionary."""

from leads_domain.lead import Lead


class MemoryDryRun:
    """The leads of a dry run in a dictionary; see `DryRun`."""

    def __init__(self) -> None:
        self._leads: dict[str, Lead] = {}

    def find(self, identity: str) -> Lead | None:
        """See `DryRun.find`."""
        return self._leads.get(identity)

    def store(self, lead: Lead) -> None:
        """See `DryRun.store`."""
        self._leads[lead.identity] = lead
