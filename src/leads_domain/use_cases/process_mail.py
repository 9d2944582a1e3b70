"""Process a stored message: an enquiry, a reply, automatic mail, or one that needs a person."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from leads_domain.digest import Digest, DigestId
from leads_domain.errors import NotFound, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpId
from leads_domain.incoming_mail import DeliveryReport, IncomingMail, own_id
from leads_domain.intake import Intake
from leads_domain.lead import Lead
from leads_domain.mail_enquiry import Person, enquiry_of, sender_of
from leads_domain.mail_submission import mail_of
from leads_domain.mailbox_policy import MailboxPolicy
from leads_domain.ports import UnitOfWork
from leads_domain.stop_words import asks_to_stop
from leads_domain.submission import Processed, ProcessingOutcome, Submission, SubmissionState
from leads_domain.use_cases.add_enquiry import AddEnquiry
from leads_domain.use_cases.lock_lead import lock_lead
from leads_domain.use_cases.record_bounce import RecordBounce
from leads_domain.use_cases.record_reply import RecordReply

LOOP = "It comes from an address of your own, and names no other address to reply to."
DIGEST_RETURNED = "A delivery report about a digest of ours, which counts as failed now."
UNKNOWN_REPORT = "A delivery report that names no follow-up of ours."
NO_FAILURE = "A delivery report of a delay, or of a success."
NO_SENDER = "No sender has a valid e-mail address."
UNKNOWN_STOP = "The sender asks to receive no more messages, but no lead has this address. Look for another one."
COLLEAGUE = "A colleague's answer to a message of ours."


@dataclass(frozen=True, slots=True)
class _Written:
    """A message that a person has written. `sender` is None if no sender has a valid address."""

    submission: Submission
    mail: IncomingMail
    policy: MailboxPolicy
    sender: Person | None

    @property
    def asks_to_stop(self) -> bool:
        """Return whether the person asks to receive no more messages."""
        return asks_to_stop(self.mail.subject, self.mail.text)


@dataclass(frozen=True, slots=True)
class ProcessMail:
    """Decide about a received message, in the order of "How a message is understood" in docs/mail.md.

    Automatic messages, and those from an address of the operator, never cause a lead, an entry or a message. Others can
    come from a program as well, so enquiries cause few messages to a lead (`was_recently_written_to`): no two programs
    answer each other for ever. The origin, such as `mailbox:sales`, is the actor of the events.
    """

    intake: Intake
    add_enquiry: AddEnquiry
    record_reply: RecordReply
    record_bounce: RecordBounce

    def __call__(self, work: UnitOfWork, submission: Submission) -> Processed:
        """Return the submission with its decision, which is not stored yet."""
        mail, policy = mail_of(submission.content), self.intake.mailbox(submission.origin)
        if mail.report:
            return self._record_bounce(work, submission, mail.report)
        sender = sender_of(mail, policy, self.intake.normalizer)
        if mail.automatic or sender.is_own:
            return _ignored(submission, mail.automatic or LOOP)
        written = _Written(submission, mail, policy, sender.person)
        if answered := _answered(work, mail):
            return self._record_answer(work, written, *answered)
        if _answers_digest(work, mail):
            return _ignored(submission, COLLEAGUE)
        return self._process_new(work, written)

    def _record_bounce(self, work: UnitOfWork, submission: Submission, report: DeliveryReport) -> Processed:
        match self.record_bounce(work, report, actor=submission.origin):
            case FollowUp(lead_id=lead_id):
                return Processed(submission.accept(lead_id), ProcessingOutcome.BOUNCE)
            case Digest():
                return _ignored(submission, DIGEST_RETURNED)
            case None:
                return _ignored(submission, UNKNOWN_REPORT if report.failures else NO_FAILURE)

    def _process_new(self, work: UnitOfWork, written: _Written) -> Processed:
        """Process a message that answers none of ours."""
        if written.mail.broken or written.sender is None:
            return Processed.for_review(written.submission, written.mail.broken or NO_SENDER)
        if not written.asks_to_stop:
            return self._add_enquiry(work, written)
        if lead := _lead_of(work, written.sender):
            return self._record_reply(work, written, lead, None)
        return Processed.for_review(written.submission, UNKNOWN_STOP)

    def _record_answer(self, work: UnitOfWork, written: _Written, lead: Lead, follow_up: FollowUp) -> Processed:
        if _is_colleague(written.sender, lead, follow_up):
            return _ignored(written.submission, COLLEAGUE)
        return self._record_reply(work, written, lead, follow_up)

    def _record_reply(self, work: UnitOfWork, written: _Written, lead: Lead, follow_up: FollowUp | None) -> Processed:
        self.record_reply(
            work,
            lead,
            follow_up,
            written.mail,
            written.sender,
            stop_rules=written.policy.stop_on_reply,
            actor=written.submission.origin,
        )
        outcome = ProcessingOutcome.OPT_OUT if written.asks_to_stop else ProcessingOutcome.REPLY
        return Processed(written.submission.accept(lead.id), outcome)

    def _add_enquiry(self, work: UnitOfWork, written: _Written) -> Processed:
        submission = written.submission
        values = enquiry_of(written.mail, written.policy, self.intake.normalizer)
        try:
            lead = self.add_enquiry(work, values, actor=submission.origin, by_mail=True).lead
        except ValidationFailed as invalid:
            return Processed.for_review(submission, " ".join(error.detail for error in invalid.errors))
        return Processed(submission.accept(lead.id), ProcessingOutcome.ENQUIRY)


def _answered(work: UnitOfWork, mail: IncomingMail) -> tuple[Lead, FollowUp] | None:
    """Lock and return the lead of the follow-up that a message answers, and the follow-up; None if there is none.

    A merged lead is replaced by its survivor, and an erased one has no follow-ups any more.
    """
    for id in _own_ids(mail):
        with suppress(NotFound):
            lead = lock_lead(work, work.follow_ups.get(FollowUpId(id)).lead_id)
            return lead, work.follow_ups.get(FollowUpId(id))
    return None


def _lead_of(work: UnitOfWork, sender: Person) -> Lead | None:
    """Lock and return the lead with the address of a sender; None if there is none."""
    id = work.leads.find_person(sender.address.key)
    with suppress(NotFound):  # erased in the meantime
        return lock_lead(work, id) if id else None
    return None


def _answers_digest(work: UnitOfWork, mail: IncomingMail) -> bool:
    for id in _own_ids(mail):
        with suppress(NotFound):
            work.digests.get(DigestId(id))
            return True
    return False


def _own_ids(mail: IncomingMail) -> Iterator[str]:
    return filter(None, map(own_id, mail.references))


def _is_colleague(sender: Person | None, lead: Lead, follow_up: FollowUp) -> bool:
    """Return whether a colleague has answered: the owner of the lead, or any sender if the message is to a colleague.

    Owners change, so today's owner does not tell who has got the message. The lead counts as itself, also if it is its
    own owner.
    """
    key = sender.address.key if sender else None
    if lead.email and lead.email.key == key:
        return False
    return not follow_up.is_for(lead) or bool(lead.owner and lead.owner.key == key)


def _ignored(submission: Submission, reason: str) -> Processed:
    return Processed(submission.set_aside(SubmissionState.IGNORED, reason), ProcessingOutcome.IGNORED)
