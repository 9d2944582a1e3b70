"""Test changes of the fields and the status of a lead."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, a_phone, an_email, an_id
from leads_domain.contact import EmailAddress
from leads_domain.errors import DuplicateLead, FieldError, IllegalTransition, NotFound, ValidationFailed
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.use_cases.register_lead import OnDuplicate

HOUR = timedelta(hours=1)


def test_only_the_fields_in_the_change_are_overwritten(app: Application) -> None:
    lead = app.register(phone="+12025550123", source="fair", owner="ann@example.com").lead
    now = app.clock.advance(HOUR)
    changed = app.change(lead, name="Jane Roe", phone=None)

    assert changed == replace(lead, name="Jane Roe", phone=None, version=2, updated_at=now)
    assert app.lead(lead) == changed


def test_the_timeline_shows_actor_and_time_of_a_change(app: Application) -> None:
    lead = app.register().lead
    now = app.clock.advance(HOUR)
    app.change(lead, phone="+12025550123")

    newest = app.timeline(lead)[0]
    assert (newest.type, newest.at, newest.actor) == (EventType.LEAD_UPDATED, now, ACTOR)
    assert newest.data == {"changes": {"phone": {"from": None, "to": str(a_phone())}}}


def test_a_lead_with_texts_that_are_refused_today_can_be_changed(app: Application) -> None:
    old = a_lead(name="John\x1b[2J", source="a\nb", attributes={"a\tb": "\x9b"})
    app.database.write(lambda work: work.leads.add(old))
    changed = app.change(old, "contacted", phone="+12025550123", attributes={"size": 5})
    assert (changed.name, changed.attributes) == (old.name, {"a\tb": "\x9b", "size": 5})
    assert app.register(name="Jo", attributes={"new": 1}, on_duplicate=OnDuplicate.UPDATE).lead.name == "Jo"
    assert app.change(old, attributes={"a\tb": None}).attributes == {"new": 1}


@pytest.mark.parametrize(
    "fields", [{}, {"name": " John Doe "}, {"attributes": {}}, {"attributes": {"absent": None}}, {"source": None}]
)
def test_a_change_without_differences_records_nothing(app: Application, fields: dict[str, Any]) -> None:
    lead = app.register().lead
    app.clock.advance(HOUR)

    assert app.change(lead, **fields) == lead
    assert app.change(lead, "new", **fields) == lead
    assert app.lead(lead) == lead
    assert app.event_types(lead) == ["lead.created"]


def test_email_address_and_phone_number_can_be_cleared_while_the_other_remains(app: Application) -> None:
    lead = app.register(phone="+12025550123").lead
    assert lead.identity == "john@example.com"
    assert app.change(lead, email=None).identity == "+12025550123"
    assert app.change(lead, email="jane@example.com", phone=None).identity == "jane@example.com"


@pytest.mark.parametrize("fields", [{"email": None}, {"email": " "}, {"email": "N/A", "phone": None}])
def test_the_last_of_email_address_and_phone_number_cannot_be_cleared(app: Application, fields: dict[str, Any]) -> None:
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.change(lead, name="Jane Roe", **fields)
    assert caught.value.errors == (FieldError("", "Give an e-mail address or a phone number."),)
    assert app.lead(lead) == lead


def test_a_change_to_the_identity_of_another_lead_is_refused(app: Application) -> None:
    john = app.register().lead
    by_phone = app.register(email=None, phone="+12025550123").lead
    jane = app.register(email="jane@example.com", phone="+12025550123").lead

    changes: list[tuple[Lead, dict[str, Any], Lead]] = [
        (by_phone, {"email": "john@example.com"}, john),
        (jane, {"email": None}, by_phone),
        (john, {"email": None, "phone": "+12025550123"}, by_phone),
    ]
    for lead, fields, existing in changes:
        with pytest.raises(DuplicateLead) as caught:
            app.change(lead, **fields)
        assert caught.value.existing_id == existing.id
        assert app.lead(lead) == lead


def test_an_identity_that_a_change_gives_up_is_free(app: Application) -> None:
    by_phone = app.register(email=None, phone="+12025550123").lead
    app.change(by_phone, email="jane@example.com")

    assert app.register(email=None, phone="+12025550123").outcome == "created"
    with pytest.raises(DuplicateLead):
        app.change(by_phone, email=None)


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
def test_attributes_are_merged_name_by_name(app: Application, patch: dict[str, Any], merged: dict[str, Any]) -> None:
    lead = app.register(attributes={"size": 3, "vip": False}).lead
    app.change(lead, attributes=patch)

    assert repr(app.lead(lead).attributes) == repr(merged)
    assert app.lead(lead).version == 2


def test_the_limit_of_attributes_applies_to_the_merged_attributes(app: Application) -> None:
    lead = app.register(attributes={str(number): number for number in range(50)}).lead

    with pytest.raises(ValidationFailed) as caught:
        app.change(lead, attributes={"one more": 1})
    assert caught.value.errors == (FieldError("/attributes", "Must have at most 50 attributes, but has 51."),)
    assert app.change(lead, attributes={"one more": 1, "0": None}).version == 2


def test_all_attributes_can_be_renamed_in_one_change(app: Application) -> None:
    lead = app.register(attributes={f"old {number}": number for number in range(50)}).lead
    renamed = {f"new {number}": number for number in range(50)}

    assert app.change(lead, attributes={**dict.fromkeys(lead.attributes), **renamed}).attributes == renamed


def test_a_transition_is_stored_and_recorded(app: Application) -> None:
    lead = app.register().lead
    now = app.clock.advance(HOUR)
    changed = app.change(lead, "contacted")

    assert changed == replace(lead, status="contacted", contacted_at=now, version=2, updated_at=now)
    assert app.lead(lead) == changed
    assert app.timeline(lead)[0].type is EventType.LEAD_STATUS_CHANGED
    assert app.timeline(lead)[0].data == {"from": "new", "to": "contacted", "reason": None}


def test_fields_and_status_change_in_one_version(app: Application) -> None:
    lead = app.register().lead
    changed = app.change(lead, "contacted", name="Jane Roe", status_reason="She called")

    assert (changed.name, changed.status, changed.status_reason, changed.version) == (
        "Jane Roe",
        "contacted",
        "She called",
        2,
    )
    assert app.event_types(lead) == ["lead.created", "lead.status_changed", "lead.updated"]


def test_a_refused_change_changes_neither_fields_nor_status(app: Application) -> None:
    lead = app.register().lead

    with pytest.raises(IllegalTransition) as caught:
        app.change(lead, "qualified", name="Jane Roe")
    assert (caught.value.origin, caught.value.target) == ("new", "qualified")
    assert caught.value.allowed == ("contacted", "lost")
    with pytest.raises(ValidationFailed):
        app.change(lead, "contacted", name="")
    assert app.lead(lead) == lead
    assert app.event_types(lead) == ["lead.created"]


def test_all_errors_are_reported_together_with_an_unknown_status(app: Application) -> None:
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.change(lead, "won", name="", email="x")
    assert [error.pointer for error in caught.value.errors] == ["/status", "/name", "/email"]


def test_a_status_that_requires_a_reason_needs_one_in_the_same_change(app: Application) -> None:
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.change(lead, "lost")
    assert caught.value.errors == (FieldError("/status_reason", "The status `lost` requires a reason."),)
    assert app.change(lead, "lost", status_reason="No budget").status_reason == "No budget"


def test_a_transition_clears_or_replaces_the_reason(app: Application) -> None:
    lost = app.change(app.register().lead, "lost", status_reason="No budget")
    reopened = app.change(lost, "contacted")

    assert reopened.status_reason is None
    assert app.change(lost, "qualified", status_reason="Has one now").status_reason == "Has one now"


def test_a_reason_without_a_transition_replaces_the_current_one(app: Application) -> None:
    lost = app.change(app.register().lead, "lost", status_reason="No budget")
    corrected = app.change(lost, status_reason="No money at all")

    assert (corrected.status, corrected.status_reason, corrected.version) == ("lost", "No money at all", 3)
    assert app.change(lost, "lost", status_reason="Broke").status_reason == "Broke"
    assert app.timeline(lost)[0].data == {"changes": {"status_reason": {"from": "No money at all", "to": "Broke"}}}


def test_a_required_reason_cannot_be_removed(app: Application) -> None:
    lost = app.change(app.register().lead, "lost", status_reason="No budget")

    with pytest.raises(ValidationFailed) as caught:
        app.change(lost, status_reason=None)
    assert caught.value.errors == (FieldError("/status_reason", "The status `lost` requires a reason."),)
    assert app.lead(lost) == lost


def test_the_contact_time_stays_that_of_the_first_open_status(app: Application) -> None:
    lead = app.register().lead
    first_contact = app.clock.advance(HOUR)
    app.change(lead, "contacted")
    app.clock.advance(HOUR)
    app.change(lead, "lost", status_reason="No budget")
    app.clock.advance(HOUR)

    assert app.change(lead, "contacted").contacted_at == first_contact


@pytest.mark.parametrize(("status", "reason"), [("lost", "No budget"), ("converted", None)])
def test_closing_a_lead_cancels_its_follow_ups(app: Application, status: str, reason: str | None) -> None:
    lead = app.change(app.register().lead, "contacted")
    sent = app.trigger(lead)
    app.record(app.claim()[0])
    in_progress, later = app.trigger(lead), app.trigger(lead, due_at=NOON + 9 * HOUR)
    (claimed,) = app.claim()
    now = app.clock.advance(timedelta(seconds=1))
    before = app.lead(lead)
    closed = app.change(lead, status, **({"status_reason": reason} if reason else {}))

    assert (closed.version, closed.next_follow_up_at) == (before.version + 1, None)
    assert app.follow_up(sent).state is FollowUpState.SENT
    for cancelled in (app.follow_up(in_progress), app.follow_up(later)):
        assert (cancelled.state, cancelled.lease, cancelled.next_attempt_at) == (FollowUpState.CANCELLED, None, None)
        assert cancelled.updated_at == now
    assert app.event_types(lead)[-3:] == ["lead.status_changed", "follow_up.cancelled", "follow_up.cancelled"]
    assert [entry.data["follow_up_id"] for entry in app.timeline(lead)[:2]] == [later.id, in_progress.id]
    assert claimed.item.id == in_progress.id
    assert not app.record(claimed)
    app.clock.advance(24 * HOUR)
    assert list(app.claim()) == []


def test_a_transition_between_open_statuses_cancels_no_follow_up(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead, due_at=NOON + HOUR)

    assert app.change(lead, "contacted").next_follow_up_at == NOON + HOUR
    assert app.change(lead, "qualified").next_follow_up_at == NOON + HOUR
    assert app.follow_up(follow_up) == follow_up


def test_a_change_of_a_closed_lead_cancels_no_follow_up(app: Application) -> None:
    lost = app.change(app.register().lead, "lost", status_reason="No budget")
    follow_up = app.trigger(lost, due_at=NOON + HOUR)

    assert app.change(lost, name="Jane Roe", status_reason="No money").next_follow_up_at == NOON + HOUR
    assert app.follow_up(follow_up) == follow_up


def test_a_refused_transition_cancels_no_follow_up(app: Application) -> None:
    app.register(email="jane@example.com")
    lead = app.register().lead
    follow_up = app.trigger(lead, due_at=NOON + HOUR)

    with pytest.raises(DuplicateLead):
        app.change(lead, "lost", status_reason="No budget", email="jane@example.com")
    assert app.follow_up(follow_up) == follow_up
    assert app.event_types(lead) == ["lead.created", "follow_up.scheduled"]


def test_the_email_address_of_another_lead_is_refused(app: Application) -> None:
    jane, lead = app.register(email="jane@example.com").lead, app.register().lead

    with pytest.raises(DuplicateLead) as caught:
        app.change(lead, email="Jane@Example.com")
    assert caught.value.existing_id == jane.id
    assert app.lead(lead) == lead


def test_a_lead_can_change_its_email_address_and_its_spelling(app: Application) -> None:
    lead = app.register().lead

    assert app.change(lead, email="JOHN@example.com").email == EmailAddress("JOHN@example.com", "john@example.com")
    assert app.change(lead, email="jane@example.com").email == an_email("jane@example.com")
    assert app.register(on_duplicate=OnDuplicate.ERROR).lead.email == an_email()


def test_an_unknown_lead_cannot_be_changed(app: Application) -> None:
    with pytest.raises(NotFound) as missing:
        app.change(a_lead(id=an_id(9)), name="Jane Roe")
    assert (missing.value.kind, missing.value.id) == ("lead", an_id(9))


def test_a_change_is_checked_before_the_lead_is_read(app: Application) -> None:
    with pytest.raises(ValidationFailed):
        app.change(a_lead(id=an_id(9)), name="")


def test_closing_a_lead_concerns_no_other_lead(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead
    for each in (lead, other):
        app.trigger(each, due_at=NOON + timedelta(hours=1))
    before = app.personal_data(other)
    closed = app.change(lead, "lost", status_reason="No budget")
    assert closed.next_follow_up_at is None
    assert app.event_types(lead).count("follow_up.cancelled") == 1
    assert app.personal_data(other) == before
