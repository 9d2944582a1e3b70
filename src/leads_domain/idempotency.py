"""Responses that are stored so that clients may repeat their requests; how they are used is the HTTP adapter's."""

from dataclasses import dataclass
from datetime import datetime

from leads_domain.lead import LeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """The response to a request of a `caller` with an idempotency `key`.

    `fingerprint` identifies the request, `sealed` is the response; only the caller can read either. The erasure of the
    lead that the response is about (`lead_id`) removes both.
    """

    caller: str
    key: str
    fingerprint: str | None
    sealed: str | None
    lead_id: LeadId | None
    created_at: datetime
