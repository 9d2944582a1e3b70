"""Store an incoming message, before anything is decided about it."""

from dataclasses import dataclass

from leads_domain.incoming_mail import IncomingMail
from leads_domain.mail_digests import content_digest, message_digest
from leads_domain.mail_submission import mail_content, origin_of
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.submission import Submission, SubmissionId


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """The stored submission of a message, which may be that of an earlier arrival of the same message."""

    submission: Submission
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class ReceiveMail:
    """Store a message as a submission, unless it is stored already, from whichever mailbox.

    Automatic messages and broken ones are stored as well: `ProcessMail` decides about all of them.
    See `docs/decisions/0050-replies-and-repeats.md`.
    """

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, mailbox: str, mail: IncomingMail) -> ReceivedMail:
        """Return the stored submission: the new one, or the earlier one that it repeats."""
        submission = Submission(
            id=SubmissionId(self.ids.new()),
            received_at=self.clock.now(),
            origin=origin_of(mailbox),
            content=mail_content(mail),
            digest=message_digest(mail),
            content_digest=content_digest(mail),
        )
        stored = work.submissions.add(submission, repeated_within=None)
        return ReceivedMail(stored, stored.id != submission.id)
