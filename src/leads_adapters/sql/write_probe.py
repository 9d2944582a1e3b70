"""Test whether writes work: store a row, then delete it."""

from datetime import UTC, datetime

from leads_domain.idempotency import IdempotencyRecord
from leads_domain.ports import UnitOfWork

_PROBE = IdempotencyRecord(
    caller="readiness",
    key="probe",
    fingerprint="",
    sealed="x" * 2**16,  # a full disk may still have space for a smaller row
    lead_id=None,
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
)


def store_probe(work: UnitOfWork) -> None:
    """Store the row. The caller must commit it, because only a commit writes to the disk."""
    work.idempotency.store(_PROBE)


def delete_probe(work: UnitOfWork) -> None:
    """Delete the row."""
    work.idempotency.delete_expired(before=_PROBE.created_at, limit=1)
