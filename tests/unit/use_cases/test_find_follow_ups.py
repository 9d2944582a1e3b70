"""Lists of follow-ups, of one lead or of all."""

from datetime import timedelta

import pytest

from builders import NOON, a_lead, an_id
from desk import Desk
from leads_domain.errors import NotFound
from leads_domain.follow_up import FollowUpState
from leads_domain.notifier import Refused
from leads_domain.paging import FollowUpQuery

SCHEDULED, SENT, FAILED, CANCELLED = FollowUpState
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def test_the_follow_ups_of_a_lead_are_listed_by_due_time(desk: Desk) -> None:
    lead, other = desk.register().lead, desk.register(email="jane@example.com").lead
    late, early = desk.trigger(lead, due_at=NOON + HOUR), desk.trigger(lead)
    others = desk.trigger(other, due_at=NOON + HOUR / 2)

    assert desk.follow_ups(lead) == [early, late]
    page = desk.listed(FollowUpQuery(lead_id=lead.id, limit=1))
    assert page.items == [early]
    assert desk.listed(FollowUpQuery(lead_id=lead.id, after=page.next)).items == [late]
    assert desk.listed(FollowUpQuery()).items == [early, others, late]


def test_nobody_is_told_of_the_follow_ups_of_a_lead_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(NotFound, match="There is no lead with the id"):
        desk.follow_ups(a_lead(id=an_id(9)))


def test_overdue_is_what_is_still_scheduled_though_its_time_has_passed(desk: Desk) -> None:
    lead = desk.register().lead
    sent, overdue, failed = (desk.trigger(lead) for _ in range(3))
    sent_notice, _, failed_notice = desk.claim()
    desk.record(sent_notice)
    desk.record(failed_notice, Refused("no"))
    desk.trigger(lead, due_at=NOON + MICROSECOND)
    desk.clock.advance(MICROSECOND)

    assert [desk.follow_up(each).state for each in (sent, overdue, failed)] == [SENT, SCHEDULED, FAILED]
    assert [each.id for each in desk.listed(FollowUpQuery(), overdue=True).items] == [overdue.id]
    assert len(desk.listed(FollowUpQuery()).items) == 4


def test_overdue_goes_together_with_the_other_filters(desk: Desk) -> None:
    lead = desk.register().lead
    first, second = (desk.trigger(lead, due_at=NOON + hours * HOUR) for hours in (0, 1))
    desk.clock.advance(3 * HOUR)

    def overdue(**filters: object) -> list[str]:
        return [each.id for each in desk.listed(FollowUpQuery(**filters), overdue=True).items]  # type: ignore[arg-type]

    assert overdue() == [first.id, second.id]
    assert overdue(due_before=NOON + HOUR) == [first.id]
    assert overdue(due_before=NOON + 9 * HOUR) == [first.id, second.id]
    assert overdue(states=(SCHEDULED, SENT)) == [first.id, second.id]
    assert overdue(states=(SENT, CANCELLED)) == []
    assert overdue(channel="smtp") == []
    assert overdue(limit=1) == [first.id]
