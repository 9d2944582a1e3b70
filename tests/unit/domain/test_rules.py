"""Test the follow-ups that rules schedule, and when they are due."""

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, a_follow_up, a_lead, a_rule, a_task, a_task_rule, an_email, an_enquiry_rule, an_id
from fakes import CountingIds
from leads_domain.errors import ValidationFailed
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpId, Recipient
from leads_domain.lead import Lead
from leads_domain.rules import FollowUpRule, FollowUpRules
from leads_domain.task import TEXT_MAX, TaskId
from leads_domain.working_hours import WorkingHours
from strategies import leads

DAY = timedelta(days=1)
IN_BERLIN = WorkingHours(
    zone=ZoneInfo("Europe/Berlin"), days=frozenset(range(5)), opens=time(9), closes=time(17)
)  # `NOON` is at 13:00 there


def some_rules(*rules: FollowUpRule, hours: WorkingHours | None = None) -> FollowUpRules:
    return FollowUpRules(CountingIds(), "log", rules, hours)


def test_a_rule_schedules_its_follow_up_and_records_an_event() -> None:
    rule = a_rule("new", "{name} waits.", after=2 * DAY, channel="mail", recipient=Recipient.OWNER)
    lead = a_lead(owner=an_email("ann@example.com"))
    scheduled = some_rules(rule).schedule(lead, NOON)

    (follow_up,) = scheduled.follow_ups
    assert follow_up == a_follow_up(
        id=FollowUpId(an_id(1001)),
        recipient=Recipient.OWNER,
        channel="mail",
        message="John Doe waits.",
        due_at=NOON + 2 * DAY,
        rule_status="new",
        by_rule=True,
    )
    assert scheduled.lead == a_lead(owner=lead.owner, next_follow_up_at=NOON + 2 * DAY)
    (event,) = scheduled.events
    assert event.type is EventType.FOLLOW_UP_SCHEDULED
    assert (event.data["follow_up_id"], event.data["due_at"]) == (follow_up.id, "2026-01-07T12:00:00.000000Z")


def test_by_default_a_rule_sends_to_the_lead_by_the_default_channel() -> None:
    (follow_up,) = some_rules(a_rule()).schedule(a_lead(), NOON).follow_ups
    assert (follow_up.recipient, follow_up.channel) == (Recipient.LEAD, "log")


def test_several_rules_for_one_status_each_schedule_a_follow_up() -> None:
    rules = some_rules(a_rule(after=3 * DAY), a_rule("lost"), a_rule(after=DAY), a_rule(after=7 * DAY))
    scheduled = rules.schedule(a_lead(), NOON)

    assert [follow_up.due_at - NOON for follow_up in scheduled.follow_ups] == [3 * DAY, DAY, 7 * DAY]
    assert scheduled.lead.next_follow_up_at == NOON + DAY
    assert len(scheduled.events) == 3


def test_the_next_follow_up_is_the_earliest_of_old_and_new_ones() -> None:
    rules = some_rules(a_rule(after=2 * DAY))
    for before in (NOON + DAY, NOON + 2 * DAY, NOON + 3 * DAY):
        entered = rules.schedule(a_lead(next_follow_up_at=before), NOON).lead
        assert entered.next_follow_up_at == min(before, NOON + 2 * DAY)


@given(leads())
def test_without_a_rule_for_its_status_a_lead_does_not_change(lead: Lead) -> None:
    for rules in (some_rules(), some_rules(a_rule(f"not {lead.status}"))):
        scheduled = rules.schedule(lead, NOON)
        assert scheduled.lead is lead
        assert (scheduled.follow_ups, scheduled.events) == ([], [])


@pytest.mark.parametrize("recipient", Recipient)
def test_a_rule_schedules_a_follow_up_without_an_address_too(recipient: Recipient) -> None:
    lead = a_lead(owner=None, phone=None)
    (follow_up,) = some_rules(a_rule(recipient=recipient, channel="sms")).schedule(lead, NOON).follow_ups
    assert (follow_up.recipient, follow_up.channel) == (recipient, "sms")


@pytest.mark.parametrize(
    ("after", "due"),
    [
        (timedelta(hours=3, minutes=59), "2026-01-05T15:59"),
        (timedelta(hours=4), "2026-01-06T08:00"),
        (4 * DAY, "2026-01-09T12:00"),
        (5 * DAY, "2026-01-12T08:00"),
        (90 * DAY, "2026-04-06T07:00"),  # NOON + 90 days is Easter Sunday, in summer time
    ],
)
def test_a_follow_up_is_due_within_the_working_hours(after: timedelta, due: str) -> None:
    scheduled = some_rules(a_rule(after=after), hours=IN_BERLIN).schedule(a_lead(), NOON)
    (follow_up,) = scheduled.follow_ups
    assert follow_up.due_at.isoformat(timespec="minutes") == f"{due}+00:00"
    assert follow_up.next_attempt_at == scheduled.lead.next_follow_up_at == follow_up.due_at


def test_a_rule_makes_a_task_for_the_owner_and_a_reminder() -> None:
    lead = a_lead(name="Ann\nRoe", owner=an_email("mia@example.com"))
    scheduled = some_rules(a_task_rule(text="Call {name}", after=2 * DAY, channel="mail")).schedule(lead, NOON)

    (task,), (reminder,) = scheduled.tasks, scheduled.follow_ups
    assert task == a_task(
        id=TaskId(an_id(1001)),
        assignee=an_email("mia@example.com"),
        text="Call Ann Roe",
        due_at=NOON + 2 * DAY,
        remind=True,
    )
    assert (reminder.task_id, reminder.channel, reminder.due_at) == (task.id, "mail", task.due_at)
    assert (reminder.recipient, reminder.message) == ("mia@example.com", "Call Ann Roe")
    assert scheduled.lead == replace(lead, next_follow_up_at=task.due_at)
    assert [event.type for event in scheduled.events] == [EventType.TASK_CREATED, EventType.FOLLOW_UP_SCHEDULED]


def test_without_an_owner_the_task_of_a_rule_waits_for_one() -> None:
    scheduled = some_rules(a_task_rule()).schedule(a_lead(), NOON)
    assert [task.assignee for task in scheduled.tasks] == [None]
    assert [reminder.recipient for reminder in scheduled.follow_ups] == [Recipient.OWNER]


def test_a_rule_can_make_tasks_for_one_person() -> None:
    mia = an_email("mia@example.com")
    scheduled = some_rules(a_task_rule(assignee=mia)).schedule(a_lead(owner=an_email("ann@example.com")), NOON)
    assert [task.assignee for task in scheduled.tasks] == [mia]
    assert [reminder.recipient for reminder in scheduled.follow_ups] == ["mia@example.com"]


def test_the_reminder_of_a_rule_outlives_the_status() -> None:
    (reminder,) = some_rules(a_task_rule()).schedule(a_lead(), NOON).follow_ups
    assert (reminder.rule_status, reminder.by_rule) == (None, False)


def test_a_task_of_a_rule_is_due_within_the_working_hours() -> None:
    scheduled = some_rules(a_task_rule(after=timedelta(hours=4)), hours=IN_BERLIN).schedule(a_lead(), NOON)
    (task,), (reminder,) = scheduled.tasks, scheduled.follow_ups
    assert task.due_at.isoformat(timespec="minutes") == "2026-01-06T08:00+00:00"
    assert task.due_at == reminder.due_at == scheduled.lead.next_follow_up_at


def test_an_enquiry_makes_a_task_with_its_text_truncated() -> None:
    rules = some_rules(a_task_rule(), a_task_rule(None, "{name} asks: {message}"), an_enquiry_rule())
    scheduled = rules.schedule_for_enquiry(a_lead(status="lost"), "Hi!\n" * 1000, NOON)
    (task,) = scheduled.tasks
    assert task.text.startswith("John Doe asks: Hi!\nHi!\n")
    assert len(task.text) == TEXT_MAX
    assert [each.task_id for each in scheduled.follow_ups] == [task.id, None]
    assert scheduled.lead.next_follow_up_at == NOON + timedelta(hours=1)


def test_a_delay_can_be_ten_years() -> None:
    assert a_rule(after=timedelta(days=3650)).after == timedelta(days=3650)


def test_an_enquiry_starts_the_rules_for_enquiries_only() -> None:
    rules = some_rules(a_rule(), an_enquiry_rule(), a_rule("lost"), an_enquiry_rule("Hello", after=2 * DAY))
    for status in ("new", "lost"):
        scheduled = rules.schedule_for_enquiry(a_lead(status=status), "Hi!", NOON)
        assert [each.message for each in scheduled.follow_ups] == ["John Doe has written: Hi!", "Hello"]
        assert {(each.rule_status, each.by_rule) for each in scheduled.follow_ups} == {(None, True)}
        assert scheduled.lead.next_follow_up_at == NOON + timedelta(hours=1)
        assert [event.type for event in scheduled.events] == [EventType.FOLLOW_UP_SCHEDULED] * 2
    assert [each.message for each in rules.schedule(a_lead(), NOON).follow_ups] == ["Call John Doe."]


@given(st.timedeltas())
def test_a_delay_that_is_negative_or_longer_than_ten_years_is_refused(after: timedelta) -> None:
    if timedelta(0) < after <= timedelta(days=3650):
        assert a_rule(after=after).after == after
    else:
        with pytest.raises(
            ValidationFailed, match=r"^The delay of a follow-up must be positive and at most 3650 days\.$"
        ):
            a_rule(after=after)
