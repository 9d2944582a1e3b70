"""Send what is due: claim it, hand it to its notifier, record what became of it.

The notifier is called between two units of work and inside neither. If everything stops in between,
the lease ends by itself, the next claim picks the follow-up up, and the same notice goes out again
under the same idempotency key: at least once, never zero times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from leads_domain.events import entries
from leads_domain.follow_up import FollowUp, FollowUpState, Recipient, RetryPolicy
from leads_domain.lead import Lead
from leads_domain.notifier import (
    Address,
    FollowUpNotice,
    FollowUpNotifier,
    NotificationError,
    Refused,
    TryAgain,
)
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource

DISPATCHER = "dispatcher"
"""The actor of what the service does by itself."""

DELAY_MAX = timedelta(days=7)
"""The longest delay that a channel can ask for: a garbled one must not put a follow-up off for ever."""

ERROR_MAX = 1000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A follow-up under this dispatcher's lease, and the notice to send for it."""

    follow_up: FollowUp
    notice: FollowUpNotice


@dataclass(frozen=True, slots=True)
class ClaimDueFollowUps:
    """Take up to `limit` due follow-ups for `owner`; nobody else gets them before `lease` is over."""

    clock: Clock
    lease: timedelta

    def __call__(self, work: UnitOfWork, *, owner: str, limit: int) -> Sequence[Claimed]:
        """What is now to be sent, the longest due first."""
        now = self.clock.now()
        due = work.follow_ups.claim_due(now=now, owner=owner, until=now + self.lease, limit=limit)
        return [Claimed(follow_up, _notice(follow_up, work.leads.get(follow_up.lead_id))) for follow_up in due]


def send(claimed: Claimed, notifiers: Mapping[str, FollowUpNotifier]) -> NotificationError | None:
    """Hand the notice to the notifier of its channel; None when it has left, else why it has not.

    An unexpected error is told by its type alone: its text may hold a secret of the channel.
    """
    notice = claimed.notice
    notifier = notifiers.get(notice.channel)
    if notifier is None:
        return TryAgain(f"The channel {notice.channel!r} is not configured.")
    if notice.email is None or (notifier.needs is Address.PHONE and notice.phone is None):
        return Refused("The recipient has no address for this channel any more.")
    try:
        notifier.notify(notice)
    except NotificationError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever a notifier raises, the follow-up must not be lost
        return TryAgain(f"The channel failed with {type(error).__name__}.")
    return None


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """Record what became of a claimed follow-up, unless somebody else has claimed it since."""

    clock: Clock
    ids: IdSource
    retry: RetryPolicy

    def __call__(self, work: UnitOfWork, claimed: FollowUp, error: NotificationError | None) -> bool:
        """Whether the outcome was recorded; not if the fencing token no longer holds."""
        # The lead first: everyone who changes a lead and its follow-ups locks them in this order.
        lead = work.leads.get_for_change(claimed.lead_id)
        follow_up = work.follow_ups.get_for_change(claimed.id)
        if follow_up.claims != claimed.claims or follow_up.state is not FollowUpState.SCHEDULED:
            return False
        now = self.clock.now()
        if error is None:
            follow_up, events = follow_up.succeed(now)
        else:
            follow_up, events = follow_up.fail_attempt(_told(error), self._wait(follow_up, error), now)
        work.follow_ups.save(follow_up)
        _reschedule(work, lead, now)
        work.timeline.add(entries(lead.id, events, at=now, actor=DISPATCHER, ids=self.ids))
        return True

    def _wait(self, follow_up: FollowUp, error: NotificationError) -> timedelta | None:
        if isinstance(error, Refused):
            return None
        wait = self.retry.wait_after(follow_up.attempts)
        asked = error.delay if isinstance(error, TryAgain) else None
        return wait if wait is None or asked is None else max(wait, min(asked, DELAY_MAX))


def _told(error: NotificationError) -> str:
    """What a notifier said, short and fit to be stored: nothing it says may keep the outcome from being recorded."""
    return str(error)[:ERROR_MAX].encode(errors="replace").decode().replace("\0", " ")


def _notice(follow_up: FollowUp, lead: Lead) -> FollowUpNotice:
    owner = str(lead.owner) if lead.owner else None
    owned = follow_up.recipient is Recipient.OWNER
    return FollowUpNotice(
        follow_up_id=follow_up.id,
        lead_id=lead.id,
        idempotency_key=follow_up.id,
        attempt=follow_up.attempts,
        channel=follow_up.channel,
        name=(owner or "") if owned else lead.name,
        email=owner if owned else str(lead.email),
        phone=None if owned or lead.phone is None else lead.phone.e164,
        message=follow_up.message,
        lead={
            "name": lead.name,
            "email": str(lead.email),
            "phone": str(lead.phone) if lead.phone else None,
            "status": lead.status,
            "source": lead.source,
            "owner": owner,
        },
    )


def _reschedule(work: UnitOfWork, lead: Lead, now: datetime) -> None:
    scheduled = work.follow_ups.scheduled_of_lead(lead.id)
    due_at = scheduled[0].due_at if scheduled else None
    if due_at != lead.next_follow_up_at:
        work.leads.save(replace(lead, next_follow_up_at=due_at).revised(now))
