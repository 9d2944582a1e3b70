"""Changing what is known of a lead, and where it stands."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import NOON, a_lead, a_phone, an_email, an_id
from desk import ACTOR, Desk
from leads_domain.contact import EmailAddress
from leads_domain.errors import DuplicateLead, FieldError, IllegalTransition, NotFound, ValidationFailed
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpState
from leads_domain.use_cases.register_lead import OnDuplicate

HOUR = timedelta(hours=1)


def test_the_members_that_are_given_are_overwritten_and_no_others(desk: Desk) -> None:
    lead = desk.register(phone="+12025550123", source="fair", owner="ann@example.com").lead
    now = desk.clock.advance(HOUR)
    changed = desk.change(lead, name="Jane Roe", phone=None)

    assert changed == replace(lead, name="Jane Roe", phone=None, version=2, updated_at=now)
    assert desk.lead(lead) == changed


def test_a_change_is_told_with_who_made_it_and_when(desk: Desk) -> None:
    lead = desk.register().lead
    now = desk.clock.advance(HOUR)
    desk.change(lead, phone="+12025550123")

    newest = desk.timeline(lead)[0]
    assert (newest.type, newest.at, newest.actor) == (EventType.LEAD_UPDATED, now, ACTOR)
    assert newest.data == {"changes": {"phone": {"from": None, "to": str(a_phone())}}}


@pytest.mark.parametrize(
    "members", [{}, {"name": " John Doe "}, {"attributes": {}}, {"attributes": {"absent": None}}, {"source": None}]
)
def test_a_change_that_changes_nothing_leaves_no_trace(desk: Desk, members: dict[str, Any]) -> None:
    lead = desk.register().lead
    desk.clock.advance(HOUR)

    assert desk.change(lead, **members) == lead
    assert desk.change(lead, "new", **members) == lead
    assert desk.lead(lead) == lead
    assert desk.story(lead) == ["lead.created"]


@pytest.mark.parametrize(
    ("patch", "merged"),
    [
        ({"city": "Rome"}, {"size": 3, "vip": False, "city": "Rome"}),
        ({"size": 4}, {"size": 4, "vip": False}),
        ({"size": None}, {"vip": False}),
        ({"size": None, "vip": None, "city": "Rome"}, {"city": "Rome"}),
        ({"size": 3.0}, {"size": 3.0, "vip": False}),
        ({"vip": 0}, {"size": 3, "vip": 0}),
    ],
)
def test_attributes_are_merged_name_by_name(desk: Desk, patch: dict[str, Any], merged: dict[str, Any]) -> None:
    lead = desk.register(attributes={"size": 3, "vip": False}).lead
    desk.change(lead, attributes=patch)

    assert repr(desk.lead(lead).attributes) == repr(merged)
    assert desk.lead(lead).version == 2


def test_the_bound_on_attributes_holds_for_what_comes_out_of_the_merge(desk: Desk) -> None:
    lead = desk.register(attributes={str(number): number for number in range(50)}).lead

    with pytest.raises(ValidationFailed) as refusal:
        desk.change(lead, attributes={"one more": 1})
    assert refusal.value.errors == (FieldError("/attributes", "Give at most 50 attributes; these are 51."),)
    assert desk.change(lead, attributes={"one more": 1, "0": None}).version == 2


def test_all_attributes_can_be_renamed_in_one_change(desk: Desk) -> None:
    lead = desk.register(attributes={f"old {number}": number for number in range(50)}).lead
    renamed = {f"new {number}": number for number in range(50)}

    assert desk.change(lead, attributes={**dict.fromkeys(lead.attributes), **renamed}).attributes == renamed


def test_a_move_is_kept_and_told(desk: Desk) -> None:
    lead = desk.register().lead
    now = desk.clock.advance(HOUR)
    moved = desk.change(lead, "contacted")

    assert moved == replace(lead, status="contacted", contacted_at=now, version=2, updated_at=now)
    assert desk.lead(lead) == moved
    assert desk.timeline(lead)[0].type is EventType.LEAD_STATUS_CHANGED
    assert desk.timeline(lead)[0].data == {"from": "new", "to": "contacted", "reason": None}


def test_members_and_status_change_together_as_one_version(desk: Desk) -> None:
    lead = desk.register().lead
    changed = desk.change(lead, "contacted", name="Jane Roe", status_reason="She called")

    assert (changed.name, changed.status, changed.status_reason, changed.version) == (
        "Jane Roe",
        "contacted",
        "She called",
        2,
    )
    assert desk.story(lead) == ["lead.created", "lead.status_changed", "lead.updated"]


def test_members_and_status_change_together_or_neither_does(desk: Desk) -> None:
    lead = desk.register().lead

    with pytest.raises(IllegalTransition) as refusal:
        desk.change(lead, "qualified", name="Jane Roe")
    assert (refusal.value.origin, refusal.value.target) == ("new", "qualified")
    assert refusal.value.allowed == ("contacted", "lost")
    with pytest.raises(ValidationFailed):
        desk.change(lead, "contacted", name="")
    assert desk.lead(lead) == lead
    assert desk.story(lead) == ["lead.created"]


def test_every_fault_is_told_an_unknown_status_included(desk: Desk) -> None:
    lead = desk.register().lead

    with pytest.raises(ValidationFailed) as refusal:
        desk.change(lead, "won", name="", email="x")
    assert [fault.pointer for fault in refusal.value.errors] == ["/status", "/name", "/email"]


def test_a_status_that_must_be_justified_takes_a_reason_in_the_same_change(desk: Desk) -> None:
    lead = desk.register().lead

    with pytest.raises(ValidationFailed) as refusal:
        desk.change(lead, "lost")
    assert refusal.value.errors == (FieldError("/status_reason", "Say why the lead is lost."),)
    assert desk.change(lead, "lost", status_reason="No budget").status_reason == "No budget"


def test_a_reason_goes_with_the_next_move_and_a_new_one_may_come(desk: Desk) -> None:
    lost = desk.change(desk.register().lead, "lost", status_reason="No budget")
    reopened = desk.change(lost, "contacted")

    assert reopened.status_reason is None
    assert desk.change(lost, "qualified", status_reason="Has one now").status_reason == "Has one now"


def test_a_reason_without_a_move_replaces_the_present_one(desk: Desk) -> None:
    lost = desk.change(desk.register().lead, "lost", status_reason="No budget")
    corrected = desk.change(lost, status_reason="No money at all")

    assert (corrected.status, corrected.status_reason, corrected.version) == ("lost", "No money at all", 3)
    assert desk.change(lost, "lost", status_reason="Broke").status_reason == "Broke"
    assert desk.timeline(lost)[0].data == {"changes": {"status_reason": {"from": "No money at all", "to": "Broke"}}}


def test_a_reason_that_the_status_needs_cannot_be_taken_away(desk: Desk) -> None:
    lost = desk.change(desk.register().lead, "lost", status_reason="No budget")

    with pytest.raises(ValidationFailed) as refusal:
        desk.change(lost, status_reason=None)
    assert refusal.value.errors == (FieldError("/status_reason", "Say why the lead is lost."),)
    assert desk.lead(lost) == lost


def test_the_first_move_to_an_open_status_stays_when_the_lead_was_taken_up(desk: Desk) -> None:
    lead = desk.register().lead
    taken_up = desk.clock.advance(HOUR)
    desk.change(lead, "contacted")
    desk.clock.advance(HOUR)
    desk.change(lead, "lost", status_reason="No budget")
    desk.clock.advance(HOUR)

    assert desk.change(lead, "contacted").contacted_at == taken_up


@pytest.mark.parametrize(("status", "reason"), [("lost", "No budget"), ("converted", None)])
def test_a_lead_that_is_closed_is_not_followed_up_any_more(desk: Desk, status: str, reason: str | None) -> None:
    lead = desk.change(desk.register().lead, "contacted")
    sent = desk.trigger(lead)
    desk.record(desk.claim()[0])
    under_way, later = desk.trigger(lead), desk.trigger(lead, due_at=NOON + 9 * HOUR)
    (claimed,) = desk.claim()
    now = desk.clock.advance(timedelta(seconds=1))
    before = desk.lead(lead)
    closed = desk.change(lead, status, **({"status_reason": reason} if reason else {}))

    assert (closed.version, closed.next_follow_up_at) == (before.version + 1, None)
    assert desk.follow_up(sent).state is FollowUpState.SENT
    for cancelled in (desk.follow_up(under_way), desk.follow_up(later)):
        assert (cancelled.state, cancelled.lease, cancelled.next_attempt_at) == (FollowUpState.CANCELLED, None, None)
        assert cancelled.updated_at == now
    assert desk.story(lead)[-3:] == ["lead.status_changed", "follow_up.cancelled", "follow_up.cancelled"]
    assert [entry.data["follow_up_id"] for entry in desk.timeline(lead)[:2]] == [later.id, under_way.id]
    assert claimed.follow_up.id == under_way.id
    assert not desk.record(claimed)
    desk.clock.advance(24 * HOUR)
    assert list(desk.claim()) == []


def test_a_lead_that_moves_among_the_open_statuses_is_still_followed_up(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead, due_at=NOON + HOUR)

    assert desk.change(lead, "contacted").next_follow_up_at == NOON + HOUR
    assert desk.change(lead, "qualified").next_follow_up_at == NOON + HOUR
    assert desk.follow_up(follow_up) == follow_up


def test_a_change_of_a_closed_leads_members_cancels_nothing(desk: Desk) -> None:
    lost = desk.change(desk.register().lead, "lost", status_reason="No budget")
    follow_up = desk.trigger(lost, due_at=NOON + HOUR)

    assert desk.change(lost, name="Jane Roe", status_reason="No money").next_follow_up_at == NOON + HOUR
    assert desk.follow_up(follow_up) == follow_up


def test_nothing_is_cancelled_by_a_move_that_is_undone(desk: Desk) -> None:
    desk.register(email="jane@example.com")
    lead = desk.register().lead
    follow_up = desk.trigger(lead, due_at=NOON + HOUR)

    with pytest.raises(DuplicateLead):
        desk.change(lead, "lost", status_reason="No budget", email="jane@example.com")
    assert desk.follow_up(follow_up) == follow_up
    assert desk.story(lead) == ["lead.created", "follow_up.scheduled"]


def test_an_email_address_that_another_lead_has_is_refused(desk: Desk) -> None:
    jane, lead = desk.register(email="jane@example.com").lead, desk.register().lead

    with pytest.raises(DuplicateLead) as refusal:
        desk.change(lead, email="Jane@Example.com")
    assert refusal.value.existing_id == jane.id
    assert desk.lead(lead) == lead


def test_a_lead_may_change_the_spelling_of_its_address_and_let_an_address_go(desk: Desk) -> None:
    lead = desk.register().lead

    assert desk.change(lead, email="JOHN@example.com").email == EmailAddress("JOHN@example.com", "john@example.com")
    assert desk.change(lead, email="jane@example.com").email == an_email("jane@example.com")
    assert desk.register(on_duplicate=OnDuplicate.ERROR).lead.email == an_email()


def test_a_lead_that_is_not_there_cannot_be_changed(desk: Desk) -> None:
    with pytest.raises(NotFound) as missing:
        desk.change(a_lead(id=an_id(9)), name="Jane Roe")
    assert (missing.value.kind, missing.value.id) == ("lead", an_id(9))


def test_a_change_is_checked_before_the_lead_is_looked_for(desk: Desk) -> None:
    with pytest.raises(ValidationFailed):
        desk.change(a_lead(id=an_id(9)), name="")
