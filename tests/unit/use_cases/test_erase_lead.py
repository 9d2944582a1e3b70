"""Erasing a person."""

from datetime import timedelta

import pytest

from builders import NOON, a_lead, an_id
from desk import ACTOR, Desk
from leads_domain.errors import Merged, NotFound
from leads_domain.events import EventType, TimelineEntry
from leads_domain.notifier import TryAgain
from leads_domain.paging import FollowUpQuery

HOUR = timedelta(hours=1)


def test_what_stays_is_when_and_by_whom_it_was_erased(desk: Desk) -> None:
    lead = desk.register().lead
    desk.note(lead, "Prefers to be called.")
    desk.trigger(lead)
    now = desk.clock.advance(HOUR)
    desk.erase(lead)

    (tombstone,) = desk.timeline(lead)
    assert tombstone == TimelineEntry(
        id=tombstone.id, lead_id=lead.id, type=EventType.LEAD_ERASED, at=now, actor=ACTOR, data={}
    )
    for ask in (desk.lead, desk.change, desk.trigger, desk.follow_ups, desk.personal_data, desk.erase):
        with pytest.raises(NotFound) as missing:
            ask(lead)
        assert (missing.value.id, type(missing.value)) == (lead.id, NotFound)
    assert desk.listed(FollowUpQuery()).items == []
    assert desk.database.read(lambda work: work.leads.get_many([lead.id])) == []


def test_others_keep_everything(desk: Desk) -> None:
    lead, other = desk.register().lead, desk.register(email="jane@example.com").lead
    follow_up = desk.trigger(other, due_at=NOON + HOUR)
    before = desk.personal_data(other)
    desk.erase(lead)
    assert desk.personal_data(other) == before
    assert desk.follow_up(follow_up) == follow_up


def test_the_address_is_free_at_once(desk: Desk) -> None:
    lead = desk.register().lead
    desk.erase(lead)
    again = desk.register().lead
    assert again.id != lead.id
    assert desk.story(again) == ["lead.created"]


def test_ids_that_were_merged_into_it_lead_nowhere(desk: Desk) -> None:
    john, jon = desk.register().lead, desk.register(email="jon@example.com").lead
    desk.merge(john, jon)
    desk.erase(john)
    for each in (jon, john):
        with pytest.raises(NotFound) as missing:
            desk.lead(each)
        assert not isinstance(missing.value, Merged)
    with pytest.raises(NotFound):
        desk.timeline(jon)
    (tombstone,) = desk.timeline(john)
    assert tombstone.data == {"merged_ids": [jon.id]}


def test_nothing_is_sent_to_somebody_who_was_erased(desk: Desk) -> None:
    lead = desk.register().lead
    desk.trigger(lead)
    desk.erase(lead)
    assert desk.claim() == []


@pytest.mark.parametrize("error", [None, TryAgain("busy")])
def test_the_outcome_of_what_was_under_way_is_not_recorded(desk: Desk, error: TryAgain | None) -> None:
    lead = desk.register().lead
    desk.trigger(lead)
    (claimed,) = desk.claim()
    desk.erase(lead)
    assert desk.record(claimed, error) is False
    assert desk.story(lead) == ["lead.erased"]
    desk.clock.advance(HOUR)
    assert desk.claim() == []


def test_nobody_cannot_be_erased(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.erase(a_lead(id=an_id(9)))
    with pytest.raises(NotFound):
        desk.timeline(a_lead(id=an_id(9)))
