"""Digests: the daily messages to colleagues, and the attempts to send them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from leads_domain.contact import EmailAddress
from leads_domain.follow_up import Lease

DigestId = NewType("DigestId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

OUTDATED_AFTER = timedelta(hours=12)
"""The time after which a digest is not sent any more, for example because its database was restored from a backup."""


class DigestState(StrEnum):
    """The state of a digest: `scheduled`, and then exactly one of the other three.

    An `empty` one had nothing to tell any more when it was claimed.
    """

    SCHEDULED = "scheduled"
    SENT = "sent"
    FAILED = "failed"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A message to one colleague about the day on which it was planned. Its text is composed when it is claimed.

    `lease`, `claims` and `attempts` are those of a `FollowUp`. Only a scheduled digest has `next_attempt_at`.
    """

    id: DigestId
    recipient: EmailAddress
    planned_at: datetime
    state: DigestState = DigestState.SCHEDULED
    attempts: int = 0
    last_error: str | None = None
    next_attempt_at: datetime | None
    updated_at: datetime
    lease: Lease | None = None
    claims: int = 0

    @classmethod
    def plan(cls, id: DigestId, recipient: EmailAddress, now: datetime) -> "Digest":
        """Return a new digest, due now."""
        return cls(id=id, recipient=recipient, planned_at=now, next_attempt_at=now, updated_at=now)

    def claim(self, owner: str, until: datetime, now: datetime) -> "Digest":
        """Give `owner` the lease for one attempt."""
        lease = Lease(owner=owner, until=until)
        return self._changed(now, attempts=self.attempts + 1, claims=self.claims + 1, lease=lease)

    def end(self, state: DigestState, now: datetime, error: str | None = None) -> "Digest":
        """End the digest in its last state."""
        return self._changed(now, state=state, last_error=error, next_attempt_at=None, lease=None)

    def fail_attempt(self, error: str, wait: timedelta | None, now: datetime) -> "Digest":
        """Record a failed attempt, and schedule a retry after `wait`. If that is None, the digest has failed."""
        if wait is None:
            return self.end(DigestState.FAILED, now, error)
        return self._changed(now, last_error=error, next_attempt_at=now + wait, lease=None)

    def bounce(self, error: str, now: datetime) -> "Digest":
        """Mark a sent digest as failed, because a mail server has returned it. Repeating this has no effect."""
        is_sent = self.state is DigestState.SENT or (self.state is DigestState.SCHEDULED and self.attempts > 0)
        return self.end(DigestState.FAILED, now, error) if is_sent else self

    def is_outdated(self, now: datetime) -> bool:
        """Return whether the digest comes too late."""
        return now > self.planned_at + OUTDATED_AFTER

    def _changed(self, now: datetime, **values: Any) -> "Digest":
        """Return the changed digest. A change is no earlier than the last one, even if the clock was set back."""
        return replace(self, updated_at=max(now, self.updated_at), **values)
