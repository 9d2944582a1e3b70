"""Store idempotency records in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import LeadId


class MemoryIdempotencyStore:
    """A store of idempotency records in a dictionary. Units of work run one at a time, so a claim needs no lock."""

    def __init__(self, stored: dict[tuple[str, str], IdempotencyRecord]) -> None:
        self._stored = stored

    def claim(self, caller: str, key: str) -> IdempotencyRecord | None:
        """See `IdempotencyStore.claim`."""
        return self._stored.get((caller, key))

    def store(self, record: IdempotencyRecord) -> None:
        """See `IdempotencyStore.store`."""
        self._stored[record.caller, record.key] = record

    def erase(self, lead_id: LeadId) -> None:
        """See `IdempotencyStore.erase`."""
        for key, record in self._stored.items():
            if record.lead_id == lead_id:
                self._stored[key] = replace(record, fingerprint=None, sealed=None)

    def creation_times(self, lead_id: LeadId) -> Sequence[datetime]:
        """See `IdempotencyStore.creation_times`."""
        return [record.created_at for record in self._stored.values() if record.lead_id == lead_id]

    def delete_expired(self, *, before: datetime, limit: int) -> None:
        """See `IdempotencyStore.delete_expired`."""
        old = [record for record in self._stored.values() if record.created_at <= before]
        for record in sorted(old, key=lambda record: record.created_at)[:limit]:
            del self._stored[record.caller, record.key]
