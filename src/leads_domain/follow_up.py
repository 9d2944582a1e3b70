"""A follow-up: a message that is due at a time, and its attempts."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from leads_domain.errors import AttemptInProgress, IllegalFollowUpState
from leads_domain.events import Event, EventType, Json, rfc3339
from leads_domain.lead import LeadId
from leads_domain.pipeline import Status

FollowUpId = NewType("FollowUpId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

MESSAGE_MAX = 10_000


class FollowUpState(StrEnum):
    """`scheduled` until it ends as exactly one of the other three."""

    SCHEDULED = "scheduled"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Recipient(StrEnum):
    """Whom a follow-up reaches: the lead, or the colleague who owns it."""

    LEAD = "lead"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to attempt a follow-up: whose, and until when."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What of a channel is still to be sent: how much, how much of it is due, and when the next attempt is, or was."""

    scheduled: int
    due: int
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and after which waits a failed attempt is repeated.

    The bound of the wait doubles from `first` up to `longest`; the wait itself is anything up to it ("full jitter"),
    so that what failed together is not tried again together.
    """

    attempts: int = 8
    first: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(hours=6)

    def wait_after(self, attempt: int, fraction: float) -> timedelta | None:
        """Return how long to wait after the attempt with this number, from 1; None after the last one.

        `fraction` is any number from 0 to 1, at random.
        """
        if attempt >= self.attempts:
            return None
        times: int = 2 ** min(attempt - 1, 64)
        return fraction * (self.longest if self.longest // times < self.first else self.first * times)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A message about a lead that is sent at a time.

    `recipient` is a `Recipient`, or the e-mail address or telephone number (E.164) that a rule names.
    `next_attempt_at` is set exactly while it is scheduled, `sent_at` exactly when it was sent.
    `lease` is set while a dispatcher is at it. `claims` counts the leases ever given out and serves as
    fencing token: a dispatcher that was thought dead cannot overwrite what its successor recorded.
    `attempts` grows with the claim, so an attempt that a crash cut off counts as well.
    `rule_status` is the status whose rule made it; None if a client asked for it.
    """

    id: FollowUpId
    lead_id: LeadId
    recipient: str
    channel: str
    message: str
    due_at: datetime
    state: FollowUpState = FollowUpState.SCHEDULED
    attempts: int = 0
    last_error: str | None = None
    next_attempt_at: datetime | None
    sent_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    lease: Lease | None = None
    claims: int = 0
    rule_status: Status | None = None

    @classmethod
    def schedule(
        cls,
        id: FollowUpId,
        lead_id: LeadId,
        *,
        recipient: str,
        channel: str,
        message: str,
        due_at: datetime,
        now: datetime,
        rule_status: Status | None = None,
    ) -> tuple["FollowUp", list[Event]]:
        """Return a new follow-up, due at `due_at`; a time in the past means at once."""
        follow_up = cls(
            id=id,
            lead_id=lead_id,
            recipient=recipient,
            channel=channel,
            message=message,
            due_at=due_at,
            next_attempt_at=due_at,
            created_at=now,
            updated_at=now,
            rule_status=rule_status,
        )
        return follow_up, [follow_up._event(EventType.FOLLOW_UP_SCHEDULED, due_at=rfc3339(due_at))]

    def claim(self, owner: str, until: datetime, now: datetime) -> "FollowUp":
        """Lease it to `owner` for one attempt."""
        self._check_scheduled("claimed")
        return replace(
            self,
            attempts=self.attempts + 1,
            claims=self.claims + 1,
            lease=Lease(owner=owner, until=until),
            updated_at=now,
        )

    def succeed(self, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Mark it as sent: the channel has accepted the notice."""
        self._check_scheduled("sent")
        sent = self._end(FollowUpState.SENT, now, sent_at=now, last_error=None)
        return sent, [self._event(EventType.FOLLOW_UP_SENT, attempt=self.attempts)]

    def fail_attempt(self, error: str, wait: timedelta | None, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Record a failed attempt: try again after `wait`, or never if that is None."""
        self._check_scheduled("attempted")
        attempt = self._event(EventType.FOLLOW_UP_ATTEMPT_FAILED, attempt=self.attempts, error=error)
        if wait is None:
            failed = self._end(FollowUpState.FAILED, now, last_error=error)
            return failed, [attempt, self._event(EventType.FOLLOW_UP_FAILED, attempts=self.attempts, error=error)]
        next_attempt_at = max(now + wait, self.due_at)  # it may have been put off meanwhile
        again = replace(self, last_error=error, next_attempt_at=next_attempt_at, lease=None, updated_at=now)
        return again, [attempt]

    def reschedule(
        self, now: datetime, *, due_at: datetime | None = None, message: str | None = None
    ) -> tuple["FollowUp", list[Event]]:
        """Send it at another time, with another message, or both; None changes nothing.

        An attempt that is under way is not called back: if it succeeds, the follow-up is sent.
        Raises `IllegalFollowUpState` unless it is scheduled, `AttemptInProgress` for another message during an attempt.
        """
        self._check_scheduled("changed")
        changes: dict[str, Any] = {}
        if due_at not in (None, self.due_at):
            changes |= {"due_at": due_at, "next_attempt_at": due_at}
        if message not in (None, self.message):
            self._check_not_being_sent(now)
            changes["message"] = message
        if not changes:
            return self, []
        changed = replace(self, updated_at=now, **changes)
        return changed, [self._event(EventType.FOLLOW_UP_RESCHEDULED, due_at=rfc3339(changed.due_at))]

    def retry(self, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Try a failed follow-up again, at once and as often as at first; raises `IllegalFollowUpState` for others."""
        if self.state is not FollowUpState.FAILED:
            raise IllegalFollowUpState(self.state, "retried")
        again = replace(self, state=FollowUpState.SCHEDULED, attempts=0, next_attempt_at=now, updated_at=now)
        return again, [self._event(EventType.FOLLOW_UP_RESCHEDULED, due_at=rfc3339(self.due_at))]

    def cancel(self, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Cancel it; raises `IllegalFollowUpState` unless it is scheduled."""
        self._check_scheduled("cancelled")
        return self._end(FollowUpState.CANCELLED, now), [self._event(EventType.FOLLOW_UP_CANCELLED)]

    def _check_scheduled(self, intention: str) -> None:
        if self.state is not FollowUpState.SCHEDULED:
            raise IllegalFollowUpState(self.state, intention)

    def _check_not_being_sent(self, now: datetime) -> None:
        if self.lease is not None and self.lease.until > now:
            raise AttemptInProgress(self.state)

    def _end(self, state: FollowUpState, now: datetime, **members: Any) -> "FollowUp":
        return replace(self, state=state, next_attempt_at=None, lease=None, updated_at=now, **members)

    def _event(self, type: EventType, **data: Json) -> Event:
        return Event(type, {"follow_up_id": self.id, "channel": self.channel, "recipient": str(self.recipient), **data})
