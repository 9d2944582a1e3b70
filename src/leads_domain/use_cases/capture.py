"""Store what a public client sends, before anything is decided about it."""

from collections.abc import Callable
from dataclasses import dataclass

from leads_domain.captured import CapturedAs, captured_content
from leads_domain.enquiry import EnquiryInput
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.submission import Submission, SubmissionId


@dataclass(frozen=True, slots=True)
class Capture:
    """Store valid values as a submission. Its work does not depend on who is known.

    `check` raises `ValidationFailed`. See `docs/decisions/0034-answer-before-deciding.md`.
    """

    clock: Clock
    ids: IdSource
    kind: CapturedAs
    check: Callable[[EnquiryInput], object]

    def __call__(self, work: UnitOfWork, values: EnquiryInput, *, key_name: str) -> Submission:
        """Return the stored submission; raises `ValidationFailed`."""
        self.check(values)
        submission = Submission(
            id=SubmissionId(self.ids.new()),
            received_at=self.clock.now(),
            origin=self.kind.origin(key_name),
            content=captured_content(values),
        )
        return work.submissions.add(submission, repeated_within=None)
