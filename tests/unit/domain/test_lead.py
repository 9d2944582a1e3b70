"""What can happen to a lead, and what it tells of it."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from builders import NOON, a_lead, a_phone, a_pipeline, an_email, an_id, details, new_details
from leads_domain.details import Details, Scalar
from leads_domain.errors import IllegalTransition, ValidationFailed
from leads_domain.events import Event, EventType, Json
from leads_domain.lead import Lead, LeadId
from leads_domain.pipeline import DEFAULT_PIPELINE, Status
from strategies import Table, confusable_scalars, leads, tables, utc_times
from strategies import details as some_details

LATER = NOON + timedelta(hours=1)
MEMBERS = ("name", "email", "phone", "source", "owner", "attributes", "status_reason")
EVERY_FIELD = tuple(Lead.__dataclass_fields__)


def test_a_new_lead_waits_at_the_start_of_the_pipeline() -> None:
    pipeline = a_pipeline(fresh=("done",), done=())
    lead, _ = Lead.register(LeadId(an_id(7)), new_details(name="Jane Roe", source="fair"), pipeline, NOON)
    assert lead == a_lead(id=an_id(7), name="Jane Roe", source="fair", status="fresh")


def test_a_new_lead_is_at_its_first_version_and_nobody_has_taken_it_up() -> None:
    lead, _ = Lead.register(LeadId(an_id()), new_details(), DEFAULT_PIPELINE, NOON)
    assert (lead.version, lead.created_at, lead.updated_at) == (1, NOON, NOON)
    assert (lead.contacted_at, lead.next_follow_up_at, lead.status_reason, lead.attributes) == (None, None, None, {})


@given(some_details())
def test_a_new_lead_keeps_all_that_was_said_of_it(said: Details) -> None:
    said = new_details(**said)
    lead, _ = Lead.register(LeadId(an_id()), said, DEFAULT_PIPELINE, NOON)
    assert {member: getattr(lead, member) for member in said} == said


@pytest.mark.parametrize("source", [None, "fair"])
def test_the_arrival_of_a_lead_is_told_with_its_status_and_source(source: str | None) -> None:
    _, events = Lead.register(LeadId(an_id()), new_details(source=source), DEFAULT_PIPELINE, NOON)
    assert events == [Event(EventType.LEAD_CREATED, {"status": "new", "source": source})]


def test_a_change_overwrites_what_was_given_and_tells_the_difference() -> None:
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


def test_a_phone_number_is_told_with_its_extension() -> None:
    _, events = a_lead(phone=a_phone(extension="1")).change(details(phone=a_phone(extension="22")))
    change = {"from": "+12025550123;ext=1", "to": "+12025550123;ext=22"}
    assert events == [Event(EventType.LEAD_UPDATED, {"changes": {"phone": change}})]


def test_another_spelling_of_the_address_is_a_change() -> None:
    changed, events = a_lead(email=an_email("john@example.com")).change(details(email=an_email("John@example.com")))
    assert changed.email.address == "John@example.com"
    assert events[0].data == {"changes": {"email": {"from": "john@example.com", "to": "John@example.com"}}}


@given(leads(), some_details())
def test_a_change_is_told_exactly(lead: Lead, said: Details) -> None:
    changed, events = lead.change(said)
    before, after = _as_json(lead), _as_json(changed)
    differing = {member for member in MEMBERS if before[member] != after[member]}
    told: dict[str, Any] = {}
    for event in events:
        assert event.type is EventType.LEAD_UPDATED
        told.update(json.loads(json.dumps(event.data))["changes"])
    assert set(told) == differing
    for member in differing:
        assert json.dumps(told[member]["from"], sort_keys=True) == before[member]
        assert json.dumps(told[member]["to"], sort_keys=True) == after[member]


@given(leads(), some_details())
def test_a_change_overwrites_the_given_members_and_nothing_else(lead: Lead, said: Details) -> None:
    changed, _ = lead.change(said)
    for member in EVERY_FIELD:
        expected = said[member] if member in said else getattr(lead, member)  # type: ignore[literal-required]
        assert getattr(changed, member) == expected


@given(leads(), some_details())
def test_the_same_change_a_second_time_is_none(lead: Lead, said: Details) -> None:
    changed, _ = lead.change(said)
    again, events = changed.change(said)
    assert again is changed
    assert events == []


@given(leads(), st.sets(st.sampled_from(MEMBERS)))
def test_to_say_what_is_known_already_changes_nothing(lead: Lead, members: set[str]) -> None:
    same, events = lead.change(details(**{member: getattr(lead, member) for member in members}))
    assert same is lead
    assert events == []


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (True, 1), (1, 1.0), (1.0, 1), (0, False), (0.0, False), ("1", 1), (None, False), (None, "")],
)
def test_values_that_differ_in_json_are_a_change_although_python_may_call_them_equal(
    before: Scalar, after: Scalar
) -> None:
    changed, events = a_lead(attributes={"size": before}).change(details(attributes={"size": after}))
    assert repr(changed.attributes["size"]) == repr(after)
    assert json.dumps(events[0].data) == json.dumps(
        {"changes": {"attributes": {"from": {"size": before}, "to": {"size": after}}}}
    )


@given(
    st.dictionaries(st.sampled_from("ab"), confusable_scalars()),
    st.dictionaries(st.sampled_from("ab"), confusable_scalars()),
)
def test_attributes_are_the_same_exactly_when_json_writes_them_alike(
    before: dict[str, Scalar], after: dict[str, Scalar]
) -> None:
    _, events = a_lead(attributes=before).change(details(attributes=after))
    alike = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert events == [] if alike else len(events) == 1


@pytest.mark.parametrize(
    ("before", "after"), [({}, {"a": None}), ({"a": None}, {}), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 1, "b": 1})]
)
def test_an_attribute_that_comes_or_goes_is_a_change(before: dict[str, Scalar], after: dict[str, Scalar]) -> None:
    changed, events = a_lead(attributes=before).change(details(attributes=after))
    assert changed.attributes == after
    assert len(events) == 1


def test_attributes_in_another_order_are_the_same() -> None:
    lead = a_lead(attributes={"a": 1, "b": 2})
    assert lead.change(details(attributes={"b": 2, "a": 1})) == (lead, [])


def test_a_move_is_told_with_where_from_where_to_and_why() -> None:
    moved, events = a_lead(status="contacted").change_status(DEFAULT_PIPELINE, "lost", "No budget", LATER)
    assert (moved.status, moved.status_reason) == ("lost", "No budget")
    assert events == [Event(EventType.LEAD_STATUS_CHANGED, {"from": "contacted", "to": "lost", "reason": "No budget"})]


def test_the_reason_of_an_earlier_move_goes_with_the_next_one() -> None:
    moved, events = a_lead(status="lost", status_reason="No budget").change_status(
        DEFAULT_PIPELINE, "contacted", None, LATER
    )
    assert moved.status_reason is None
    assert events == [Event(EventType.LEAD_STATUS_CHANGED, {"from": "lost", "to": "contacted", "reason": None})]


def test_a_move_to_a_status_that_must_be_justified_needs_a_reason() -> None:
    with pytest.raises(ValidationFailed, match="The status `lost` requires a reason"):
        a_lead().change_status(DEFAULT_PIPELINE, "lost", None, LATER)


def test_a_move_that_is_both_forbidden_and_unjustified_is_refused_as_forbidden() -> None:
    with pytest.raises(IllegalTransition):
        a_lead(status="converted").change_status(DEFAULT_PIPELINE, "lost", None, LATER)


def test_the_first_move_to_an_open_status_is_when_the_lead_was_taken_up() -> None:
    moved, _ = a_lead().change_status(DEFAULT_PIPELINE, "contacted", None, LATER)
    assert moved.contacted_at == LATER


def test_a_lead_that_is_given_up_at_once_was_never_taken_up() -> None:
    lost, _ = a_lead().change_status(DEFAULT_PIPELINE, "lost", "A test", LATER)
    assert lost.contacted_at is None


@given(tables(), st.data())
def test_when_a_lead_was_taken_up_is_settled_by_its_first_open_status_for_good(table: Table, data: DataObject) -> None:
    pipeline, lead, expected = table.build(), a_lead(status=table.initial), None
    for hours in range(data.draw(st.integers(min_value=0, max_value=8))):
        if not table.transitions[lead.status]:
            break
        target = data.draw(st.sampled_from(table.transitions[lead.status]))
        at = NOON + timedelta(hours=hours)
        open_again = table.transitions[target] and target not in table.reason_required and target != table.initial
        if expected is None and open_again:
            expected = at
        lead, _ = lead.change_status(pipeline, target, "because", at)
        assert lead.contacted_at == expected


@given(leads(), st.data(), utc_times())
def test_a_move_touches_nothing_but_the_status_its_reason_and_when_it_was_taken_up(
    lead: Lead, data: DataObject, now: datetime
) -> None:
    target: Status = data.draw(st.sampled_from([*DEFAULT_PIPELINE.transitions[lead.status], lead.status]))
    moved, _ = lead.change_status(DEFAULT_PIPELINE, target, "because", now)
    touched = {member for member in EVERY_FIELD if getattr(moved, member) != getattr(lead, member)}
    assert touched <= {"status", "status_reason", "contacted_at"}


@given(leads(), utc_times())
def test_a_revision_counts_one_version_up_and_touches_nothing_else_but_its_time(lead: Lead, now: datetime) -> None:
    revised = lead.revised(now)
    assert revised.version == lead.version + 1
    assert revised.updated_at == now
    for member in set(EVERY_FIELD) - {"version", "updated_at"}:
        assert getattr(revised, member) == getattr(lead, member)


def _as_json(lead: Lead) -> dict[str, str]:
    """Each member as a client sees it: there, 1, 1.0 and true are three values."""
    shown: dict[str, Any] = {member: getattr(lead, member) for member in MEMBERS}
    for member in ("email", "owner", "phone"):
        shown[member] = shown[member] and str(shown[member])
    return {member: json.dumps(value, sort_keys=True) for member, value in shown.items()}


def test_a_lead_is_written_with_every_field_in_the_words_of_the_api() -> None:
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
        "attributes": {"size": 5},
        "created_at": "2026-01-05T12:00:00.000000Z",
        "updated_at": "2026-01-05T12:00:00.000000Z",
        "contacted_at": "2026-01-05T13:00:00.000000Z",
        "next_follow_up_at": None,
        "version": 1,
    }
    assert tuple(lead.to_dict()) == EVERY_FIELD
