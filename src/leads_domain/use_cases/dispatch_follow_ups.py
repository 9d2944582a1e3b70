"""Send due follow-ups: claim them, pass them to their notifiers, record the outcomes.

The notifier is called between two units of work. If the process stops in between, the lease ends, the next
claim takes the follow-up, and the same notice is sent again under the same idempotency key: at least once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from leads_domain.errors import NotFound
from leads_domain.events import make_entries
from leads_domain.follow_up import FollowUp, Recipient, RetryPolicy
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
from leads_domain.sources import Clock, IdSource, RandomSource
from leads_domain.use_cases.change_follow_up import lock_lead_of, update_next_due

DISPATCHER = "dispatcher"
"""The actor of events that no client caused."""

DELAY_MAX = timedelta(days=7)
"""The longest delay that a channel can ask for, so that a faulty one does not delay a follow-up for ever."""

ERROR_MAX = 1000

_NOTICE_MEMBERS = ("name", "email", "phone", "status", "source", "owner")
"""The members of a lead that a notice has, for templates."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A follow-up under this dispatcher's lease, and the notice to send for it.

    It is `exhausted` if all its attempts were cut off, most likely by the notice itself: do not send it again.
    """

    follow_up: FollowUp
    notice: FollowUpNotice
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class ClaimDueFollowUps:
    """Claim due follow-ups for `owner`. No other dispatcher gets them before `lease` is over."""

    clock: Clock
    lease: timedelta
    retry: RetryPolicy

    def __call__(self, work: UnitOfWork, *, owner: str, limits: Mapping[str, int]) -> Sequence[Claimed]:
        """Return what is to be sent now: up to the limit of each channel in `limits`, the longest due first."""
        now = self.clock.now()
        until = now + self.lease
        due = [
            follow_up
            for channel, limit in limits.items()
            for follow_up in work.follow_ups.claim_due(channel, now=now, owner=owner, until=until, limit=limit)
        ]
        leads = {lead.id: lead for lead in work.leads.get_many({follow_up.lead_id for follow_up in due})}
        return [
            Claimed(
                follow_up,
                _notice(follow_up, leads[follow_up.lead_id]),
                exhausted=follow_up.attempts > self.retry.attempts,
            )
            for follow_up in due
        ]


def send(claimed: Claimed, notifiers: Mapping[str, FollowUpNotifier]) -> NotificationError | None:
    """Send the notice; return None if the channel accepted it, else the error.

    Of an unexpected error only the type is reported: its text may hold a secret of the channel.
    """
    try:
        _deliver(claimed, notifiers)
    except NotificationError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever a notifier raises, the follow-up must not be lost
        return TryAgain(f"The channel failed with {type(error).__name__}.")
    return None


def _deliver(claimed: Claimed, notifiers: Mapping[str, FollowUpNotifier]) -> None:
    notice = claimed.notice
    if claimed.exhausted:
        raise Refused("Every attempt was cut off before its end.")
    if claimed.follow_up.recipient == Recipient.OWNER and notice.email is None:
        raise Refused("The lead has no owner.")
    notifier = notifiers.get(notice.channel)
    if notifier is None:
        raise TryAgain(f"The channel {notice.channel!r} is not configured.")
    if notifier.needs is Address.EMAIL and notice.email is None:
        raise Refused(f"The channel {notice.channel} needs an e-mail address, and the recipient has none.")
    if notifier.needs is Address.PHONE and notice.phone is None:
        raise Refused(f"The channel {notice.channel} needs a telephone number, and the recipient has none.")
    notifier.notify(notice)


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """Record the outcome of a claimed follow-up, once, unless another dispatcher has claimed it since."""

    clock: Clock
    ids: IdSource
    random_source: RandomSource
    retry: RetryPolicy

    def __call__(self, work: UnitOfWork, claimed: FollowUp, error: NotificationError | None) -> bool:
        """Return whether the outcome was recorded. It is not if the fencing token is outdated or the lead was erased.

        Without a lease the outcome was recorded before, or the follow-up was cancelled. Another message means
        that the message was changed after the lease had ended.
        """
        try:
            lead = lock_lead_of(work, claimed.id)
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
        work.timeline.add(make_entries(lead.id, events, at=now, actor=DISPATCHER, ids=self.ids))
        return True

    def _wait(self, follow_up: FollowUp, error: NotificationError) -> timedelta | None:
        if isinstance(error, Refused):
            return None
        wait = self.retry.wait_after(follow_up.attempts, self.random_source.random())
        asked = error.delay if isinstance(error, TryAgain) else None
        return wait if wait is None or asked is None else max(wait, min(asked, DELAY_MAX))


def _storable(error: NotificationError) -> str:
    """Return an error's text, cut and cleaned so that it can be stored whatever the notifier put there."""
    return str(error)[:ERROR_MAX].encode(errors="replace").decode().replace("\0", " ")


def _notice(follow_up: FollowUp, lead: Lead) -> FollowUpNotice:
    name, email, phone = _recipient(follow_up, lead)
    members = lead.to_dict()
    return FollowUpNotice(
        follow_up_id=follow_up.id,
        lead_id=lead.id,
        idempotency_key=follow_up.id,
        attempt=follow_up.attempts,
        channel=follow_up.channel,
        name=name,
        email=email,
        phone=phone,
        message=follow_up.message,
        lead={name: members[name] for name in _NOTICE_MEMBERS},
    )


def _recipient(follow_up: FollowUp, lead: Lead) -> tuple[str, str | None, str | None]:
    """Return the recipient's name, e-mail address and telephone number."""
    match follow_up.recipient:
        case Recipient.LEAD:
            return lead.name, str(lead.email), lead.phone.e164 if lead.phone else None
        case Recipient.OWNER:
            owner = str(lead.owner) if lead.owner else None
            return owner or "", owner, None
        case address if "@" in address:
            return address, address, None
        case number:
            return number, None, number
