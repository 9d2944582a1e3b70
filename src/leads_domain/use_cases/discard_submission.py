"""Discard a submission."""

from leads_domain.ports import UnitOfWork
from leads_domain.submission import Submission, SubmissionId


def discard_submission(work: UnitOfWork, id: SubmissionId) -> Submission:
    """Discard a submission and return it; raises `NotFound` or `IllegalSubmissionState`."""
    discarded = work.submissions.get_for_update(id).discard()
    work.submissions.save(discarded)
    return discarded
