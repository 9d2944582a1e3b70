"""Test the changes of a lead and the events that they record."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from builders import NOON, a_lead, a_phone, a_pipeline, an_email, an_id, details, new_details
from leads_domain.contact import EmailAddress
from leads_domain.details import Details, Scalar
from leads_domain.errors import FieldError, IllegalTransition, ValidationFailed
from leads_domain.events import Event, EventType, Json
from leads_domain.lead import ImportedState, Lead, LeadId, is_same_json
from leads_domain.pipeline import DEFAULT_PIPELINE, Status
from strategies import Table, confusable_scalars, leads, tables, utc_times
from strategies import details as any_details

LATER = NOON + timedelta(hours=1)
EDITABLE_FIELDS = ("name", "email", "phone", "source", "owner", "attributes", "status_reason")
ALL_FIELDS = tuple(name for name in Lead.__dataclass_fields__ if name != "email_bounced")  # which no client sees


def test_a_new_lead_has_the_initial_status_of_the_pipeline() -> None:
    pipeline = a_pipeline(fresh=("done",), done=())
    lead, _ = Lead.register(LeadId(an_id(7)), new_details(name="Jane Roe", source="fair"), pipeline, NOON)
    assert lead == a_lead(id=an_id(7), name="Jane Roe", source="fair", status="fresh")


def test_a_new_lead_has_version_1_and_was_never_contacted() -> None:
    lead, _ = Lead.register(LeadId(an_id()), new_details(), DEFAULT_PIPELINE, NOON)
    assert (lead.version, lead.created_at, lead.updated_at) == (1, NOON, NOON)
    assert (lead.contacted_at, lead.next_follow_up_at, lead.status_reason, lead.attributes) == (None, None, None, {})


@given(any_details())
def test_a_new_lead_has_all_its_details(values: Details) -> None:
    values = new_details(**values)
    lead, _ = Lead.register(LeadId(an_id()), values, DEFAULT_PIPELINE, NOON)
    assert {field: getattr(lead, field) for field in values} == values


@pytest.mark.parametrize("source", [None, "fair"])
def test_the_event_of_a_new_lead_has_its_status_and_source(source: str | None) -> None:
    _, events = Lead.register(LeadId(an_id()), new_details(source=source), DEFAULT_PIPELINE, NOON)
    assert events == [Event(EventType.LEAD_CREATED, {"status": "new", "source": source})]


@pytest.mark.parametrize("lead", [a_lead(), a_lead(email=None, phone=a_phone())])
def test_a_change_that_leaves_neither_email_address_nor_phone_number_is_refused(lead: Lead) -> None:
    with pytest.raises(ValidationFailed) as caught:
        lead.change(details(email=None, phone=None))
    assert caught.value.errors == (FieldError("", "Give an e-mail address or a phone number."),)


@given(leads())
def test_the_identity_is_the_email_key_or_else_the_phone_number(lead: Lead) -> None:
    assert lead.identity == (lead.email.key if lead.email else str(lead.phone))
    assert ("@" in lead.identity) == (lead.email is not None)


def test_a_default_name_is_the_address_cut_to_the_length_of_a_name_or_the_number() -> None:
    long = EmailAddress("m" * 250, "m")
    assert a_lead(name="m" * 200, email=long).has_default_name
    assert a_lead(name="+12025550123;ext=5", phone=a_phone(extension="5")).has_default_name
    for other in (a_lead(name="m" * 199, email=long), a_lead(name="m" * 201, email=long), a_lead(name="None")):
        assert not other.has_default_name


def test_a_change_overwrites_the_fields_and_records_the_differences() -> None:
    lead = a_lead(name="John Doe", phone=a_phone("+12025550100"), source="fair", attributes={"size": 3})
    changed, events = lead.change(
        details(name="Jane Roe", phone=None, owner=an_email("Ann@Example.com"), source="fair", attributes={"size": 4})
    )
    assert changed == a_lead(name="Jane Roe", owner=an_email("Ann@Example.com"), source="fair", attributes={"size": 4})
    changes: dict[str, Json] = {
        "name": {"from": "John Doe", "to": "Jane Roe"},
        "phone": {"from": "+12025550100", "to": None},
        "owner": {"from": None, "to": "Ann@Example.com"},
        "attributes": {"from": {"size": 3}, "to": {"size": 4}},
    }
    assert events == [Event(EventType.LEAD_UPDATED, {"changes": changes})]


def test_the_event_shows_a_phone_number_with_its_extension() -> None:
    _, events = a_lead(phone=a_phone(extension="1")).change(details(phone=a_phone(extension="22")))
    change = {"from": "+12025550123;ext=1", "to": "+12025550123;ext=22"}
    assert events == [Event(EventType.LEAD_UPDATED, {"changes": {"phone": change}})]


def test_another_spelling_of_the_email_address_is_a_change() -> None:
    changed, events = a_lead(email=an_email("john@example.com")).change(details(email=an_email("John@example.com")))
    assert str(changed.email) == "John@example.com"
    assert events[0].data == {"changes": {"email": {"from": "john@example.com", "to": "John@example.com"}}}


def change(lead: Lead, values: Details) -> tuple[Lead, list[Event]]:
    """Change a lead. Discard examples that leave it neither e-mail address nor phone number."""
    assume(values.get("email", lead.email) or values.get("phone", lead.phone))
    return lead.change(values)


@given(leads(), any_details())
def test_the_event_of_a_change_has_exactly_the_changed_fields(lead: Lead, values: Details) -> None:
    changed, events = change(lead, values)
    before, after = _as_json(lead), _as_json(changed)
    differing = {field for field in EDITABLE_FIELDS if before[field] != after[field]}
    recorded: dict[str, Any] = {}
    for event in events:
        assert event.type is EventType.LEAD_UPDATED
        recorded.update(json.loads(json.dumps(event.data))["changes"])
    assert set(recorded) == differing
    for field in differing:
        assert json.dumps(recorded[field]["from"], sort_keys=True) == before[field]
        assert json.dumps(recorded[field]["to"], sort_keys=True) == after[field]


@given(leads(), any_details())
def test_a_change_overwrites_only_the_fields_in_it(lead: Lead, values: Details) -> None:
    changed, _ = change(lead, values)
    for field in ALL_FIELDS:
        expected = values[field] if field in values else getattr(lead, field)  # type: ignore[literal-required]
        assert getattr(changed, field) == expected


@given(leads(), any_details())
def test_repeating_a_change_has_no_effect(lead: Lead, values: Details) -> None:
    changed, _ = change(lead, values)
    repeated, events = changed.change(values)
    assert repeated is changed
    assert events == []


@given(leads(), st.sets(st.sampled_from(EDITABLE_FIELDS)))
def test_changing_fields_to_their_current_values_has_no_effect(lead: Lead, fields: set[str]) -> None:
    same, events = lead.change(details(**{field: getattr(lead, field) for field in fields}))
    assert same is lead
    assert events == []


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (True, 1), (1, 1.0), (1.0, 1), (0, False), (0.0, False), ("1", 1), (None, False), (None, "")],
)
def test_values_that_differ_only_in_json_are_a_change(before: Scalar, after: Scalar) -> None:
    changed, events = a_lead(attributes={"size": before}).change(details(attributes={"size": after}))
    assert repr(changed.attributes["size"]) == repr(after)
    assert json.dumps(events[0].data) == json.dumps(
        {"changes": {"attributes": {"from": {"size": before}, "to": {"size": after}}}}
    )


@given(
    st.dictionaries(st.sampled_from("ab"), confusable_scalars()),
    st.dictionaries(st.sampled_from("ab"), confusable_scalars()),
)
def test_attributes_are_equal_exactly_when_their_json_is_equal(
    before: dict[str, Scalar], after: dict[str, Scalar]
) -> None:
    _, events = a_lead(attributes=before).change(details(attributes=after))
    equal = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert events == [] if equal else len(events) == 1


@pytest.mark.parametrize(
    ("before", "after"), [({}, {"a": None}), ({"a": None}, {}), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 1, "b": 1})]
)
def test_an_added_or_removed_attribute_is_a_change(before: dict[str, Scalar], after: dict[str, Scalar]) -> None:
    changed, events = a_lead(attributes=before).change(details(attributes=after))
    assert changed.attributes == after
    assert len(events) == 1


@pytest.mark.parametrize("other", [1, "a", None, [("a", 1)]])
def test_an_object_is_not_the_same_as_another_value(other: Json) -> None:
    assert not is_same_json({"a": 1}, other)
    assert not is_same_json(other, {"a": 1})


def test_the_order_of_attributes_is_not_a_change() -> None:
    lead = a_lead(attributes={"a": 1, "b": 2})
    assert lead.change(details(attributes={"b": 2, "a": 1})) == (lead, [])


def test_the_event_of_a_transition_has_both_statuses_and_the_reason() -> None:
    changed, events = a_lead(status="contacted").change_status(DEFAULT_PIPELINE, "lost", "No budget", LATER)
    assert (changed.status, changed.status_reason) == ("lost", "No budget")
    assert events == [Event(EventType.LEAD_STATUS_CHANGED, {"from": "contacted", "to": "lost", "reason": "No budget"})]


def test_a_transition_clears_the_reason_of_the_previous_one() -> None:
    changed, events = a_lead(status="lost", status_reason="No budget").change_status(
        DEFAULT_PIPELINE, "contacted", None, LATER
    )
    assert changed.status_reason is None
    assert events == [Event(EventType.LEAD_STATUS_CHANGED, {"from": "lost", "to": "contacted", "reason": None})]


def test_a_transition_to_a_status_that_requires_a_reason_needs_one() -> None:
    with pytest.raises(ValidationFailed, match="The status `lost` requires a reason"):
        a_lead().change_status(DEFAULT_PIPELINE, "lost", None, LATER)


def test_an_illegal_transition_without_a_reason_is_refused_as_illegal() -> None:
    with pytest.raises(IllegalTransition):
        a_lead(status="converted").change_status(DEFAULT_PIPELINE, "lost", None, LATER)


def test_the_first_transition_to_an_open_status_sets_the_contact_time() -> None:
    changed, _ = a_lead().change_status(DEFAULT_PIPELINE, "contacted", None, LATER)
    assert changed.contacted_at == LATER


def test_a_new_lead_that_is_lost_was_never_contacted() -> None:
    lost, _ = a_lead().change_status(DEFAULT_PIPELINE, "lost", "A test", LATER)
    assert lost.contacted_at is None


@given(tables(), st.data())
def test_only_the_first_open_status_sets_the_contact_time(table: Table, data: DataObject) -> None:
    pipeline, lead, expected = table.build(), a_lead(status=table.initial), None
    for hours in range(data.draw(st.integers(min_value=0, max_value=8))):
        if not table.transitions[lead.status]:
            break
        target = data.draw(st.sampled_from(table.transitions[lead.status]))
        at = NOON + timedelta(hours=hours)
        is_open = table.transitions[target] and target not in table.reason_required and target != table.initial
        if expected is None and is_open:
            expected = at
        lead, _ = lead.change_status(pipeline, target, "because", at)
        assert lead.contacted_at == expected


@given(leads(), st.data(), utc_times())
def test_a_transition_changes_only_the_status_its_reason_and_the_contact_time(
    lead: Lead, data: DataObject, now: datetime
) -> None:
    target: Status = data.draw(st.sampled_from([*DEFAULT_PIPELINE.transitions[lead.status], lead.status]))
    changed, _ = lead.change_status(DEFAULT_PIPELINE, target, "because", now)
    changed_fields = {field for field in ALL_FIELDS if getattr(changed, field) != getattr(lead, field)}
    assert changed_fields <= {"status", "status_reason", "contacted_at"}


@given(leads(), utc_times())
def test_a_revision_changes_only_the_version_and_the_time_of_the_update(lead: Lead, now: datetime) -> None:
    revised = lead.revised(now)
    assert revised.version == lead.version + 1
    assert revised.updated_at == max(now, lead.updated_at)
    for field in set(ALL_FIELDS) - {"version", "updated_at"}:
        assert getattr(revised, field) == getattr(lead, field)


def _as_json(lead: Lead) -> dict[str, str]:
    """Return the JSON of each field. In JSON, 1, 1.0 and true are different values."""
    values: dict[str, Any] = {field: getattr(lead, field) for field in EDITABLE_FIELDS}
    for field in ("email", "owner", "phone"):
        values[field] = values[field] and str(values[field])
    return {field: json.dumps(value, sort_keys=True) for field, value in values.items()}


def test_to_dict_has_every_field_with_the_names_of_the_api() -> None:
    lead = a_lead(
        email=an_email("Jane@example.com"),
        phone=a_phone(extension="7"),
        owner=an_email("ann@example.com"),
        attributes={"size": 5},
        contacted_at=LATER,
    )
    assert lead.to_dict() == {
        "id": an_id(),
        "name": "John Doe",
        "email": "Jane@example.com",
        "phone": "+12025550123;ext=7",
        "status": "new",
        "status_reason": None,
        "source": None,
        "owner": "ann@example.com",
        "do_not_contact": False,
        "attributes": {"size": 5},
        "created_at": "2026-01-05T12:00:00.000000Z",
        "updated_at": "2026-01-05T12:00:00.000000Z",
        "contacted_at": "2026-01-05T13:00:00.000000Z",
        "next_follow_up_at": None,
        "version": 1,
    }
    assert tuple(lead.to_dict()) == ALL_FIELDS


def test_a_scheduled_follow_up_is_shown_by_its_due_time() -> None:
    assert a_lead(next_follow_up_at=LATER).to_dict()["next_follow_up_at"] == "2026-01-05T13:00:00.000000Z"
    assert a_lead().to_dict()["next_follow_up_at"] is None


def test_an_imported_reason_needs_an_imported_status() -> None:
    pipeline = a_pipeline(new=("done",), done=())
    for status, reason in ((None, None), ("done", "Bought elsewhere.")):
        state = ImportedState(status=status, status_reason="Bought elsewhere.")
        lead, _ = Lead.register(LeadId(an_id(7)), new_details(), pipeline, NOON, state)
        assert (lead.status, lead.status_reason) == (status or "new", reason)
