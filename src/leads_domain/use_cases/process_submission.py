"""Process a stored submission: make it an enquiry, or set it aside as spam or for a person."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from leads_domain.captured import CapturedAs, captured_as
from leads_domain.enquiry import EnquiryInput
from leads_domain.errors import DuplicateLead, FieldError, ValidationFailed
from leads_domain.intake import Intake
from leads_domain.lead import Lead
from leads_domain.mail_submission import is_mailbox
from leads_domain.ports import UnitOfWork
from leads_domain.submission import Processed, ProcessingOutcome, Submission, SubmissionId, SubmissionState
from leads_domain.use_cases.add_enquiry import AddEnquiry
from leads_domain.use_cases.process_mail import ProcessMail

FAILED = "The service failed unexpectedly while it processed the submission. Accept it again, or discard it."


@dataclass(frozen=True, slots=True)
class ProcessSubmission:
    """Process a received submission. Repeating this has no effect: the state is locked, and changes once.

    The origin, such as `form:contact`, is the actor of the events. A `capture` key's own name is.
    """

    intake: Intake
    add_enquiry: AddEnquiry
    process_mail: ProcessMail

    def __call__(self, work: UnitOfWork, id: SubmissionId) -> Processed:
        """Return the processed submission with its outcome; raises `NotFound`."""
        submission = work.submissions.get_for_update(id)
        if submission.state is not SubmissionState.RECEIVED:
            return Processed(submission, None)
        processed = self._process(work, submission)
        work.submissions.save(processed.submission)
        return processed

    def _process(self, work: UnitOfWork, submission: Submission) -> Processed:
        if is_mailbox(submission.origin):
            return self.process_mail(work, submission)
        understood = self.intake.understand(submission)
        if understood.spam_reason:
            spam = submission.set_aside(SubmissionState.SPAM, understood.spam_reason)
            return Processed(spam, ProcessingOutcome.SPAM)
        if understood.errors:
            return Processed.for_review(submission, _reason(understood.errors))
        try:
            lead = self._add(work, understood.enquiry, submission.origin)
        except ValidationFailed as invalid:
            return Processed.for_review(submission, _reason(invalid.errors))
        return Processed(submission.accept(lead.id), ProcessingOutcome.ENQUIRY)

    def _add(self, work: UnitOfWork, values: EnquiryInput, origin: str) -> Lead:
        """Return the lead of an enquiry, or a captured lead: that is an enquiry only if the lead exists."""
        kind, actor = captured_as(origin) or (CapturedAs.ENQUIRY, origin)
        if kind is CapturedAs.LEAD:
            with suppress(DuplicateLead):
                return self.add_enquiry.register_lead(work, values, actor=actor).lead
        return self.add_enquiry(work, values, actor=actor).lead


def set_failed_aside(work: UnitOfWork, id: SubmissionId) -> Submission:
    """Let a submission wait for a person after an unexpected error, and return it."""
    submission = work.submissions.get_for_update(id)
    if submission.state is SubmissionState.RECEIVED:
        submission = submission.set_aside(SubmissionState.NEEDS_REVIEW, FAILED)
        work.submissions.save(submission)
    return submission


def _reason(errors: Sequence[FieldError]) -> str:
    return " ".join(f"{_name(error)}{error.detail}" for error in errors)


def _name(error: FieldError) -> str:
    """Return the name of the field of an error, for the text of a reason."""
    name = error.pointer[1:].replace("~1", "/").replace("~0", "~")
    return f"{name}: " if name else ""
