"""Make the reminder of a task: an ordinary follow-up to its assignee."""

from dataclasses import replace
from datetime import datetime

from leads_domain.control_characters import on_one_line
from leads_domain.events import Event
from leads_domain.follow_up import FollowUp, FollowUpId, Recipient
from leads_domain.lead import Lead
from leads_domain.notices import contains_words
from leads_domain.task import Task


def remind(task: Task, lead: Lead, channel: str, id: FollowUpId, now: datetime) -> tuple[FollowUp, list[Event]]:
    """Return the reminder of a task of this lead. Without an assignee, it goes to the owner of the lead.

    Its message is the text of the task, after the name of the lead unless the text contains it.
    """
    name = on_one_line(lead.name)
    follow_up, events = FollowUp.schedule(
        id,
        lead.id,
        recipient=str(task.assignee) if task.assignee else Recipient.OWNER,
        channel=channel,
        message=task.text if contains_words(task.text, name) else f"{name}: {task.text}",
        due_at=task.due_at,
        now=now,
    )
    return replace(follow_up, task_id=task.id), events
