"""The first answers to requests that clients may repeat."""

from dataclasses import dataclass
from datetime import datetime

from leads_domain.lead import LeadId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReply:
    """What the request of a `caller` with an idempotency `key` was, and what was answered.

    `fingerprint` tells the request from others, `sealed` is the answer; nobody but the caller can read either. An
    answer about a lead (`lead_id`) that has been erased has neither any more.
    """

    caller: str
    key: str
    fingerprint: str | None
    sealed: str | None
    lead_id: LeadId | None
    created_at: datetime
