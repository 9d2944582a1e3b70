"""Record that a mail server has returned a message of ours."""

from contextlib import suppress
from dataclasses import dataclass

from leads_domain.digest import Digest, DigestId
from leads_domain.errors import NotFound
from leads_domain.follow_up import FollowUp, FollowUpId, FollowUpState, Recipient
from leads_domain.incoming_mail import DeliveryReport, ReportedFailure, own_id
from leads_domain.lead import Lead
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.lock_lead import lock_lead
from leads_domain.use_cases.next_due import update_next_due

_MEANINGS = {
    "5.1.1": "the address does not exist",
    "5.1.2": "the domain of the address does not exist",
    "5.1.3": "the address is not valid",
    "5.1.6": "the recipient has moved",
    "5.1.10": "the address does not exist",
    "5.2.1": "the mailbox is disabled",
    "5.2.2": "the mailbox is full",
    "5.2.3": "the message is too long",
    "5.3.4": "the message is too large",
    "5.4.7": "it could not be delivered in time",
    "4.4.7": "it could not be delivered in time",
    "5.7.1": "the message was refused, perhaps as spam",
}
"""The meanings of status codes (RFC 3463). The texts of servers are not kept: they can quote anything."""


@dataclass(frozen=True, slots=True)
class RecordBounce:
    """Mark a returned follow-up or digest as failed, and the lead's address if it accepts no mail any more.

    A second report of the same message changes nothing. See `docs/decisions/0048-reading-mail.md`.
    """

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, report: DeliveryReport, *, actor: str) -> FollowUp | Digest | None:
        """Return what the report is about; None if that is no message of ours, or only delayed."""
        id = own_id(report.message_id or "")
        if id is None or not report.failures:
            return None
        try:
            lead = lock_lead(work, work.follow_ups.get(FollowUpId(id)).lead_id)
            follow_up = work.follow_ups.get_for_update(FollowUpId(id))
        except NotFound:
            return self._fail_digest(work, DigestId(id), report.failures[0])
        return self._fail(work, lead, follow_up, report, actor)

    def _fail(self, work: UnitOfWork, lead: Lead, follow_up: FollowUp, report: DeliveryReport, actor: str) -> FollowUp:
        now = self.clock.now()
        failure, is_about_recipient = _failure(report, _address(lead, follow_up))
        is_permanent = failure.is_permanent and is_about_recipient
        bounced, events = follow_up.bounce(_reason(failure), now, is_permanent=is_permanent)
        was_sent = bool(events) or _was_cancelled_during_attempt(follow_up)
        if was_sent and is_permanent and follow_up.recipient == Recipient.LEAD and lead.email:
            lead = lead.with_bounced_email()
            work.leads.save(lead)
        if events:
            work.follow_ups.save(bounced)
            update_next_due(work, lead, now)
            add_events(work, lead.id, events, now=now, actor=actor, ids=self.ids)
        return bounced

    def _fail_digest(self, work: UnitOfWork, id: DigestId, failure: ReportedFailure) -> Digest | None:
        with suppress(NotFound):
            digest = work.digests.get_for_update(id).bounce(_reason(failure), self.clock.now())
            work.digests.save(digest)
            return digest
        return None


def _was_cancelled_during_attempt(follow_up: FollowUp) -> bool:
    """Return whether a cancelled follow-up can have reached the mail server. It stays cancelled."""
    return follow_up.state is FollowUpState.CANCELLED and follow_up.attempts > 0


def _address(lead: Lead, follow_up: FollowUp) -> set[str]:
    """Return the spellings of the address to which a follow-up goes."""
    if follow_up.recipient == Recipient.LEAD:
        email = lead.email
    elif follow_up.recipient == Recipient.OWNER:
        email = lead.owner
    else:
        return {follow_up.recipient.casefold()}
    return {email.key.casefold(), email.address.casefold()} if email else set()


def _failure(report: DeliveryReport, address: set[str]) -> tuple[ReportedFailure, bool]:
    """Return the failure of the recipient, else the first one, and whether it is that of the recipient.

    It is not if the address forwards mail, or has changed since. A report that names no recipient cannot tell.
    """
    for failure in report.failures:
        if failure.recipient and failure.recipient.casefold() in address:
            return failure, True
    return report.failures[0], False


def _reason(failure: ReportedFailure) -> str:
    if failure.status is None:
        return "A mail server returned the message, without a code that says why."
    meaning = _MEANINGS.get(failure.status, "the message was not delivered")
    return f"A mail server returned the message with {failure.status}: {meaning}."
