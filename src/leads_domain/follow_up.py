"""Follow-ups: messages with a due time, and the attempts to send them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from leads_domain.errors import AttemptInProgress, IllegalFollowUpState
from leads_domain.events import Event, EventType, Json, rfc3339
from leads_domain.lead import Lead, LeadId
from leads_domain.pipeline import Status
from leads_domain.task import TaskId

FollowUpId = NewType("FollowUpId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

MESSAGE_MAX = 10_000


class FollowUpState(StrEnum):
    """The state of a follow-up: `scheduled`, and then exactly one of the other three."""

    SCHEDULED = "scheduled"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Recipient(StrEnum):
    """The recipient of a follow-up: the lead, or the colleague who owns it."""

    LEAD = "lead"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The exclusive right of the dispatcher `owner` to attempt a follow-up, which expires at `until`."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Queue statistics of one channel: scheduled follow-ups, due ones among them, and the time of the next attempt.

    That time is in the past if attempts are overdue.
    """

    scheduled: int
    due: int
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """The number of attempts, and the waits between them: exponential back-off with full jitter.

    The upper bound of the wait doubles from `first` to `longest`. The wait is a random fraction of the bound, so that
    follow-ups that failed together are not retried together.
    """

    attempts: int = 8
    first: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(hours=6)

    def wait_after(self, attempt: int, fraction: float) -> timedelta | None:
        """Return the wait after an attempt, numbered from 1; None after the last attempt.

        `fraction` is a random number from 0 to 1.
        """
        if attempt >= self.attempts:
            return None
        factor: float = min(2 ** (attempt - 1), self.longest / self.first)
        return fraction * (self.first * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A message about a lead, with a due time.

    `recipient` is a `Recipient`, or the e-mail address or phone number (E.164) of a rule. Only a scheduled follow-up
    has `next_attempt_at`, and only a sent one has `sent_at`. `lease` is set during an attempt. `claims` counts all
    leases and is the fencing token: after its lease has expired, a dispatcher cannot overwrite the outcome that another
    has recorded. A claim increments `attempts`, so an attempt that a crash interrupts counts as well. `rule_status` is
    the status of the rule that scheduled the follow-up; None if a client did, or a rule for enquiries. `by_rule` tells
    these apart. A reminder has the `task_id` of its task.
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
    task_id: TaskId | None = None
    by_rule: bool = False

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
        """Return a new follow-up. If `due_at` is in the past, it is due immediately."""
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

    def is_for(self, lead: Lead) -> bool:
        """Return whether this is a message to the lead: not one to a colleague, and not the reminder of a task."""
        return self.task_id is None and is_address_of(self.recipient, lead)

    def claim(self, owner: str, until: datetime, now: datetime) -> "FollowUp":
        """Give `owner` the lease for one attempt."""
        self._check_scheduled("claimed")
        lease = Lease(owner=owner, until=until)
        return self._changed(now, attempts=self.attempts + 1, claims=self.claims + 1, lease=lease)

    def succeed(self, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Mark the follow-up as sent, after the channel has accepted the notice."""
        self._check_scheduled("sent")
        sent = self._end(FollowUpState.SENT, now, sent_at=max(now, self.updated_at), last_error=None)
        return sent, [self._event(EventType.FOLLOW_UP_SENT, attempt=self.attempts)]

    def fail_attempt(self, error: str, wait: timedelta | None, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Record a failed attempt, and schedule a retry after `wait`. If that is None, the follow-up has failed."""
        self._check_scheduled("attempted")
        attempt = self._event(EventType.FOLLOW_UP_ATTEMPT_FAILED, attempt=self.attempts, error=error)
        if wait is None:
            failed = self._end(FollowUpState.FAILED, now, last_error=error)
            return failed, [attempt, self._event(EventType.FOLLOW_UP_FAILED, attempts=self.attempts, error=error)]
        next_attempt_at = max(now + wait, self.due_at)  # the due time may have changed during the attempt
        scheduled = self._changed(now, last_error=error, next_attempt_at=next_attempt_at, lease=None)
        return scheduled, [attempt]

    def bounce(self, error: str, now: datetime, *, is_permanent: bool) -> tuple["FollowUp", list[Event]]:
        """Mark a sent follow-up as failed, because a mail server has returned it. Repeating this has no effect.

        A report can be faster than the record of the attempt, so attempted follow-ups count as sent.
        """
        is_sent = self.state is FollowUpState.SENT or (self.state is FollowUpState.SCHEDULED and self.attempts > 0)
        if not is_sent:
            return self, []
        failed = self._end(FollowUpState.FAILED, now, sent_at=None, last_error=error)
        return failed, [self._event(EventType.FOLLOW_UP_BOUNCED, error=error, permanent=is_permanent)]

    def reschedule(
        self, now: datetime, *, due_at: datetime | None = None, message: str | None = None
    ) -> tuple["FollowUp", list[Event]]:
        """Change the due time, the message, or both; None leaves a value unchanged.

        A current attempt continues: if it succeeds, the follow-up is sent. Raises `IllegalFollowUpState` unless the
        follow-up is scheduled, and `AttemptInProgress` for a new message during an attempt.
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
        changed = self._changed(now, **changes)
        return changed, [self._event(EventType.FOLLOW_UP_RESCHEDULED, due_at=rfc3339(changed.due_at))]

    def retry(self, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Schedule a failed follow-up again, due now and with all attempts.

        Raises `IllegalFollowUpState` unless it has failed.
        """
        if self.state is not FollowUpState.FAILED:
            raise IllegalFollowUpState(self.state, "retried")
        scheduled = self._changed(now, state=FollowUpState.SCHEDULED, attempts=0, next_attempt_at=now)
        return scheduled, [self._event(EventType.FOLLOW_UP_RESCHEDULED, due_at=rfc3339(self.due_at))]

    def cancel(self, now: datetime) -> tuple["FollowUp", list[Event]]:
        """Cancel the follow-up; raises `IllegalFollowUpState` unless it is scheduled."""
        self._check_scheduled("cancelled")
        return self._end(FollowUpState.CANCELLED, now), [self._event(EventType.FOLLOW_UP_CANCELLED)]

    def _check_scheduled(self, action: str) -> None:
        if self.state is not FollowUpState.SCHEDULED:
            raise IllegalFollowUpState(self.state, action)

    def _check_not_being_sent(self, now: datetime) -> None:
        if self.lease is not None and self.lease.until > now:
            raise AttemptInProgress(self.state)

    def _end(self, state: FollowUpState, now: datetime, **values: Any) -> "FollowUp":
        return self._changed(now, state=state, next_attempt_at=None, lease=None, **values)

    def _changed(self, now: datetime, **values: Any) -> "FollowUp":
        """Return the changed follow-up. A change is no earlier than the last one, even if the clock was set back."""
        return replace(self, updated_at=max(now, self.updated_at), **values)

    def _event(self, type: EventType, **data: Json) -> Event:
        return Event(type, {"follow_up_id": self.id, "channel": self.channel, "recipient": str(self.recipient), **data})


def is_address_of(recipient: str, lead: Lead) -> bool:
    """Return whether a recipient is the lead, also if a rule names the lead's own address."""
    own = (lead.email and lead.email.address, lead.email and lead.email.key, lead.phone and lead.phone.e164)
    return recipient == Recipient.LEAD or recipient.casefold() in {address.casefold() for address in own if address}
