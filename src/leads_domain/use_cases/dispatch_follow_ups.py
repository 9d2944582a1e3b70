"""Send due follow-ups: claim them, call their notifiers, record the outcomes.

The notifier is called between two units of work. If the process stops in between, the lease expires, another dispatcher
claims the follow-up, and sends the same notice again with the same idempotency key. Delivery is at least once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from leads_domain.control_characters import CONTROL_IN_TEXT
from leads_domain.errors import NotFound
from leads_domain.follow_up import FollowUp, Recipient, RetryPolicy
from leads_domain.notices import notice_of
from leads_domain.notifier import (
    Address,
    FollowUpNotice,
    FollowUpNotifier,
    NotificationError,
    Refused,
    TryAgain,
)
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource, RandomSource
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.lock_lead import lock_lead
from leads_domain.use_cases.next_due import update_next_due

DISPATCHER = "dispatcher"
"""The actor of events that the dispatcher causes."""

DELAY_MAX = timedelta(days=7)
"""The maximum delay that a channel can set, so that a faulty channel cannot delay a follow-up for ever."""

ERROR_MAX = 1000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A leased follow-up, and its notice.

    It is `exhausted` if all its attempts were interrupted. The notice itself is the likely cause, so do not send it.
    """

    follow_up: FollowUp
    notice: FollowUpNotice
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class ClaimDueFollowUps:
    """Claim due follow-ups for a dispatcher, `owner`. No other dispatcher can claim them until the lease expires."""

    clock: Clock
    lease_time: timedelta
    retry: RetryPolicy
    public_url: str | None = None

    def __call__(self, work: UnitOfWork, *, owner: str, limits: Mapping[str, int]) -> Sequence[Claimed]:
        """Return the claimed follow-ups: up to the limit of each channel in `limits`, the longest overdue first."""
        now = self.clock.now()
        until = now + self.lease_time
        due = [
            follow_up
            for channel, limit in limits.items()
            for follow_up in work.follow_ups.claim_due(channel, now=now, owner=owner, until=until, limit=limit)
        ]
        leads = {lead.id: lead for lead in work.leads.get_many({follow_up.lead_id for follow_up in due})}
        return [
            Claimed(
                follow_up,
                notice_of(follow_up, leads[follow_up.lead_id], self.public_url),
                exhausted=follow_up.attempts > self.retry.attempts,
            )
            for follow_up in due
        ]


def send(claimed: Claimed, notifiers: Mapping[str, FollowUpNotifier]) -> NotificationError | None:
    """Send the notice; return None if the channel accepts it, and the error otherwise.

    An unexpected error is reported by its type only, because its text may contain a secret of the channel.
    """
    try:
        _notify(claimed, notifiers)
    except NotificationError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an error of a notifier must not lose the follow-up
        return TryAgain(f"The channel failed with {type(error).__name__}.")
    return None


def _notify(claimed: Claimed, notifiers: Mapping[str, FollowUpNotifier]) -> None:
    notice = claimed.notice
    if claimed.exhausted:
        raise Refused("All attempts were interrupted.")
    if claimed.follow_up.recipient == Recipient.OWNER and notice.email is None:
        raise Refused("The lead has no owner.")
    notifier = notifiers.get(notice.channel)
    if notifier is None:
        raise TryAgain(f"The channel {notice.channel} is not configured.")
    if notifier.needs is Address.EMAIL and notice.email is None:
        raise Refused(f"The channel {notice.channel} needs an e-mail address, and the recipient has none.")
    if notifier.needs is Address.PHONE and notice.phone is None:
        raise Refused(f"The channel {notice.channel} needs a phone number, and the recipient has none.")
    notifier.notify(notice)


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """Record the outcome of an attempt, once, unless another dispatcher has claimed the follow-up since."""

    clock: Clock
    ids: IdSource
    random_source: RandomSource
    retry: RetryPolicy

    def __call__(self, work: UnitOfWork, claimed: FollowUp, error: NotificationError | None) -> bool:
        """Record the outcome; return False if it no longer applies.

        It does not apply if the lead was erased, another dispatcher has claimed the follow-up (the fencing token
        differs), an outcome was recorded before or the follow-up was cancelled (it has no lease), or the message was
        changed after the lease had expired.
        """
        try:
            lead = lock_lead(work, work.follow_ups.get(claimed.id).lead_id)
            follow_up = work.follow_ups.get_for_update(claimed.id)
        except NotFound:
            return False
        if follow_up.claims != claimed.claims or follow_up.lease is None or follow_up.message != claimed.message:
            return False
        now = self.clock.now()
        if error is None:
            follow_up, events = follow_up.succeed(now)
        else:
            follow_up, events = follow_up.fail_attempt(_storable(error), self._wait(follow_up, error), now)
        work.follow_ups.save(follow_up)
        update_next_due(work, lead, now)
        add_events(work, lead.id, events, now=now, actor=DISPATCHER, ids=self.ids)
        return True

    def _wait(self, follow_up: FollowUp, error: NotificationError) -> timedelta | None:
        if isinstance(error, Refused):
            return None
        wait = self.retry.wait_after(follow_up.attempts, self.random_source.random())
        delay = error.delay if isinstance(error, TryAgain) else None
        return wait if wait is None or delay is None else max(wait, min(delay, DELAY_MAX))


def _storable(error: NotificationError) -> str:
    """Return the text of an error, truncated, without control characters and lone surrogates."""
    return CONTROL_IN_TEXT.sub(" ", str(error)[:ERROR_MAX].encode(errors="replace").decode())
