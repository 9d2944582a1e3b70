"""Store what the rules have scheduled for a lead."""

from leads_domain.ports import UnitOfWork
from leads_domain.rules import Scheduled


def store_scheduled(work: UnitOfWork, scheduled: Scheduled) -> None:
    """Store the tasks and follow-ups of a stored lead. The caller stores the lead and the events."""
    for task in scheduled.tasks:
        work.tasks.add(task)
    for follow_up in scheduled.follow_ups:
        work.follow_ups.add(follow_up)
