"""Claim due follow-ups, and record the outcomes of their attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads_domain.delivery import INTERRUPTED, Claimed, storable, wait_after
from leads_domain.errors import NotFound
from leads_domain.follow_up import FollowUp, Recipient, RetryPolicy
from leads_domain.lead import Lead, LeadId
from leads_domain.notices import notice_of
from leads_domain.notifier import Address, NotificationError
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, Entropy, IdSource, RandomSource
from leads_domain.unsubscribing import TOKEN_BYTES, make_token, unsubscribe_url
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.lock_lead import lock_lead
from leads_domain.use_cases.next_due import update_next_due
from leads_domain.use_cases.trigger_follow_up import Channels

BOUNCED = "The lead's e-mail address accepts no mail: an earlier message to it bounced."

DISPATCHER = "dispatcher"
"""The actor of events that the dispatcher causes."""

OPTED_OUT = "The lead has opted out of messages."
"""The reason to refuse a message to a lead that has opted out."""


@dataclass(frozen=True, slots=True)
class ClaimDueFollowUps:
    """Claim due follow-ups for a dispatcher, `owner`. No other dispatcher can claim them until the lease expires.

    With `public_url`, messages to leads have an unsubscribe link. The first claim creates the token of a lead.
    """

    clock: Clock
    lease_time: timedelta
    retry: RetryPolicy
    channels: Channels
    entropy: Entropy
    public_url: str | None = None

    def next_attempts(self, work: UnitOfWork) -> Mapping[str, datetime]:
        """Return the time of the next attempt of each channel."""
        return work.follow_ups.next_attempts(self.clock.now())

    def __call__(self, work: UnitOfWork, *, owner: str, limits: Mapping[str, int]) -> Sequence[Claimed[FollowUp]]:
        """Return the claimed follow-ups: up to the limit of each channel in `limits`, the longest overdue first."""
        now = self.clock.now()
        until = now + self.lease_time
        due = [
            follow_up
            for channel, limit in limits.items()
            for follow_up in work.follow_ups.claim_due(channel, now=now, owner=owner, until=until, limit=limit)
        ]
        leads = {lead.id: lead for lead in work.leads.get_many({follow_up.lead_id for follow_up in due})}
        urls = self._unsubscribe_urls(work, due)
        return [self._claimed(each, leads[each.lead_id], urls.get(each.lead_id)) for each in due]

    def _unsubscribe_urls(self, work: UnitOfWork, due: Sequence[FollowUp]) -> Mapping[LeadId, str]:
        """Return the unsubscribe link of each lead that gets a message."""
        ids = sorted({each.lead_id for each in due if each.recipient == Recipient.LEAD})
        if self.public_url is None or not ids:
            return {}
        new = {id: make_token(self.entropy.random_bytes(TOKEN_BYTES)) for id in ids}
        tokens = work.unsubscribe_tokens.get_or_add(new)
        return {id: unsubscribe_url(self.public_url, token) for id, token in tokens.items()}

    def _claimed(self, follow_up: FollowUp, lead: Lead, unsubscribe_url: str | None) -> Claimed[FollowUp]:
        refusal = None
        if follow_up.attempts > self.retry.attempts:
            refusal = INTERRUPTED
        elif lead.do_not_contact and follow_up.is_for(lead):
            refusal = OPTED_OUT
        elif follow_up.recipient == Recipient.OWNER and lead.owner is None:
            refusal = "The lead has no owner."
        elif follow_up.recipient == Recipient.LEAD and lead.email_bounced and self._needs_email(follow_up):
            refusal = BOUNCED
        return Claimed(follow_up, notice_of(follow_up, lead, self.public_url, unsubscribe_url), refusal)

    def _needs_email(self, follow_up: FollowUp) -> bool:
        return self.channels.get(follow_up.channel) is Address.EMAIL


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
            wait = wait_after(error, follow_up.attempts, self.retry, self.random_source)
            follow_up, events = follow_up.fail_attempt(storable(error), wait, now)
        work.follow_ups.save(follow_up)
        update_next_due(work, lead, now)
        add_events(work, lead.id, events, now=now, actor=DISPATCHER, ids=self.ids)
        return True
