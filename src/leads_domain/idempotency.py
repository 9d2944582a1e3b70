"""Stored responses that make it safe to repeat a request. The HTTP adapter uses them."""

from dataclasses import dataclass
from datetime import datetime

from leads_domain.lead import LeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """The response to a request of a `caller` with an idempotency `key`.

    `fingerprint` identifies the request, and `sealed` is the encrypted response. Only the caller can read them. If the
    response is about a lead (`lead_id`), the erasure of that lead removes both.
    """

    caller: str
    key: str
    fingerprint: str | None
    sealed: str | None
    lead_id: LeadId | None
    created_at: datetime
