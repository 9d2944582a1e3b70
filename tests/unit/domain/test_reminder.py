"""Test the reminder of a task."""

from datetime import timedelta

from builders import NOON, a_follow_up, a_lead, a_task, an_email, an_id
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpId, Recipient
from leads_domain.reminder import remind

ID = FollowUpId(an_id(8))


def test_a_reminder_is_a_follow_up_to_the_assignee_at_the_due_time() -> None:
    task = a_task(assignee=an_email("mia@example.com"), due_at=NOON + timedelta(days=1))
    reminder, events = remind(task, a_lead(name="Ada\nMuster"), "smtp", ID, NOON)

    assert reminder == a_follow_up(
        id=ID,
        recipient="mia@example.com",
        channel="smtp",
        message="Ada Muster: Call about the quote",
        due_at=task.due_at,
        task_id=task.id,
    )
    assert [event.type for event in events] == [EventType.FOLLOW_UP_SCHEDULED]


def test_a_task_without_an_assignee_reminds_the_owner() -> None:
    reminder, _ = remind(a_task(assignee=None), a_lead(), "log", ID, NOON)
    assert reminder.recipient is Recipient.OWNER


def test_the_name_of_the_lead_is_not_repeated() -> None:
    reminder, _ = remind(a_task(text="Call John Doe"), a_lead(), "log", ID, NOON)
    assert reminder.message == "Call John Doe"
    reminder, _ = remind(a_task(text="Announce the fair"), a_lead(name="Ann"), "log", ID, NOON)
    assert reminder.message == "Ann: Announce the fair"


def test_the_text_of_a_task_keeps_its_lines() -> None:
    reminder, _ = remind(a_task(text="Call.\nThen write."), a_lead(), "log", ID, NOON)
    assert reminder.message == "John Doe: Call.\nThen write."
