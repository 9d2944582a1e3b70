"""Accept a submission that waits for a person."""

from dataclasses import dataclass
from typing import cast

from leads_domain.contact import NO_CONTACT
from leads_domain.details import ATTRIBUTES_MAX
from leads_domain.enquiry import EnquiryInput
from leads_domain.errors import ValidationFailed
from leads_domain.intake import Intake
from leads_domain.lenient import as_given
from leads_domain.ports import UnitOfWork
from leads_domain.submission import SubmissionId
from leads_domain.use_cases.add_enquiry import AddEnquiry, EnquiryResult


@dataclass(frozen=True, slots=True)
class AcceptSubmission:
    """Make a submission an enquiry, whatever its state, unless it is accepted already.

    Fields that the caller gives replace those of the submission. Attributes are merged by name.
    """

    intake: Intake
    add_enquiry: AddEnquiry

    def check(self, values: EnquiryInput) -> None:
        """Raise `ValidationFailed` with the errors of the caller's fields.

        A missing e-mail address or phone number is no error: the submission may have one.
        """
        try:
            self.add_enquiry.check(values)
        except ValidationFailed as invalid:
            if errors := [error for error in invalid.errors if error != NO_CONTACT]:
                raise ValidationFailed(errors) from None

    def __call__(self, work: UnitOfWork, id: SubmissionId, given: EnquiryInput, *, actor: str) -> EnquiryResult:
        """Return the enquiry; raises `NotFound`, `IllegalSubmissionState` or `ValidationFailed`."""
        submission = work.submissions.get_for_update(id)
        submission.check_not_accepted("accepted")
        understood = self.intake.understand(submission).enquiry
        result = self.add_enquiry(work, _combined(understood, given), actor=actor)
        work.submissions.save(submission.accept(result.lead.id))
        return result


def _combined(understood: EnquiryInput, given: EnquiryInput) -> EnquiryInput:
    """Return the fields of both. A wrong value is dropped if the caller corrects it."""
    added = given.get("attributes") or {}
    replaced = {*added, *(as_given(field) for field in given)}
    kept = [(name, value) for name, value in (understood.get("attributes") or {}).items() if name not in replaced]
    attributes = {**dict(kept[: max(ATTRIBUTES_MAX - len(added), 0)]), **added}
    return cast(EnquiryInput, {**understood, **given, "attributes": attributes})
