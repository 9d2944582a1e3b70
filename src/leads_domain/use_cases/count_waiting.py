"""Count the follow-ups that wait for the dispatcher, and the submissions that wait for a person."""

from collections.abc import Mapping
from dataclasses import dataclass

from leads_domain.follow_up import Backlog
from leads_domain.paging import SubmissionQuery
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.submission import SubmissionState


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue statistics of each channel, and the number of submissions that need a review."""

    follow_ups: Mapping[str, Backlog]
    reviews: int = 0


@dataclass(frozen=True, slots=True)
class CountWaiting:
    """Count the scheduled follow-ups, and the submissions that need a review."""

    clock: Clock

    def __call__(self, work: UnitOfWork) -> Waiting:
        """Return the current numbers. This is slow if there are many follow-ups or submissions."""
        return Waiting(work.follow_ups.backlog(self.clock.now()), count_reviews(work))


def count_reviews(work: UnitOfWork) -> int:
    """Return the number of submissions that need a review."""
    return work.submissions.count(SubmissionQuery(states=(SubmissionState.NEEDS_REVIEW,)))
