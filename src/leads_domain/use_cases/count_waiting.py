"""Count the follow-ups that wait for the dispatcher, and the submissions and tasks that wait for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from leads_domain.follow_up import Backlog
from leads_domain.paging import SubmissionQuery, TaskQuery
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.submission import SubmissionState
from leads_domain.task import TaskState
from leads_domain.use_cases.find_agenda import RECENTLY


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue statistics of each channel, the submissions that need a review, and the tasks in each state.

    `failed_digests` are those that were planned recently.
    """

    follow_ups: Mapping[str, Backlog]
    reviews: int
    tasks: Mapping[TaskState, int]
    overdue_tasks: int
    failed_digests: int


@dataclass(frozen=True, slots=True)
class CountWaiting:
    """Count the scheduled follow-ups, the submissions that need a review, and all tasks."""

    clock: Clock

    def __call__(self, work: UnitOfWork) -> Waiting:
        """Return the current numbers. This is slow if there are many of them."""
        now = self.clock.now()
        tasks = {state: work.tasks.count(TaskQuery(states=(state,))) for state in TaskState}
        return Waiting(
            work.follow_ups.backlog(now),
            count_reviews(work),
            tasks,
            count_overdue_tasks(work, now),
            len(work.digests.failed(now - RECENTLY)),
        )


def count_reviews(work: UnitOfWork) -> int:
    """Return the number of submissions that need a review."""
    return work.submissions.count(SubmissionQuery(states=(SubmissionState.NEEDS_REVIEW,)))


def count_overdue_tasks(work: UnitOfWork, now: datetime) -> int:
    """Return the number of open tasks that are past their due time."""
    return work.tasks.count(TaskQuery(states=(TaskState.OPEN,), due_before=now))
