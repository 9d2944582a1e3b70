"""Test lists of follow-ups of one lead or all leads."""

from datetime import timedelta

import pytest

from application import Application
from builders import NOON, a_lead, an_id
from leads_domain.errors import NotFound
from leads_domain.follow_up import FollowUpState
from leads_domain.notifier import Refused
from leads_domain.paging import FollowUpQuery

SCHEDULED, SENT, FAILED, CANCELLED = FollowUpState
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def test_the_follow_ups_of_a_lead_are_listed_by_due_time(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead
    late, early = app.trigger(lead, due_at=NOON + HOUR), app.trigger(lead)
    others = app.trigger(other, due_at=NOON + HOUR / 2)

    assert app.follow_ups(lead) == [early, late]
    page = app.find_follow_ups(FollowUpQuery(lead_id=lead.id, limit=1))
    assert page.items == [early]
    assert app.find_follow_ups(FollowUpQuery(lead_id=lead.id, after=page.next)).items == [late]
    assert app.find_follow_ups(FollowUpQuery()).items == [early, others, late]


def test_an_unknown_lead_has_no_list_of_follow_ups(app: Application) -> None:
    with pytest.raises(NotFound, match="No lead has the id"):
        app.follow_ups(a_lead(id=an_id(9)))


def test_a_scheduled_follow_up_is_overdue_after_its_due_time(app: Application) -> None:
    lead = app.register().lead
    sent, overdue, failed = (app.trigger(lead) for _ in range(3))
    sent_notice, _, failed_notice = app.claim()
    app.record(sent_notice)
    app.record(failed_notice, Refused("no"))
    app.trigger(lead, due_at=NOON + MICROSECOND)
    app.clock.advance(MICROSECOND)

    assert [app.follow_up(each).state for each in (sent, overdue, failed)] == [SENT, SCHEDULED, FAILED]
    assert [each.id for each in app.find_follow_ups(FollowUpQuery(), overdue=True).items] == [overdue.id]
    assert len(app.database.read(app.list_follow_ups, FollowUpQuery()).items) == 4


def test_overdue_combines_with_other_filters(app: Application) -> None:
    lead = app.register().lead
    first, second = (app.trigger(lead, due_at=NOON + hours * HOUR) for hours in (0, 1))
    app.clock.advance(3 * HOUR)

    def overdue(**filters: object) -> list[str]:
        return [each.id for each in app.find_follow_ups(FollowUpQuery(**filters), overdue=True).items]  # type: ignore[arg-type]

    assert overdue() == [first.id, second.id]
    assert overdue(due_before=NOON + HOUR) == [first.id]
    assert overdue(due_before=NOON + 9 * HOUR) == [first.id, second.id]
    assert overdue(states=(SCHEDULED, SENT)) == [first.id, second.id]
    assert overdue(states=(SENT, CANCELLED)) == []
    assert overdue(channel="smtp") == []
    assert overdue(limit=1) == [first.id]


def test_the_count_has_the_follow_ups_of_all_pages(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead
    for each in (lead, lead, other):
        app.trigger(each)
    app.trigger(lead, due_at=NOON + HOUR)
    app.clock.advance(MICROSECOND)

    def count(*, overdue: bool = False, **filters: object) -> int:
        return app.database.read(app.list_follow_ups.count, FollowUpQuery(**filters), overdue=overdue)  # type: ignore[arg-type]

    assert app.database.read(app.list_follow_ups.count, FollowUpQuery()) == 4
    assert count(limit=1) == 4
    assert count(lead_id=lead.id) == 3
    assert count(lead_id=lead.id, overdue=True) == 2
    assert count(states=(SENT,), overdue=True) == 0
    with pytest.raises(NotFound):
        count(lead_id=an_id(9))
