"""Test the merge of two leads of the same person."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, a_lead, a_phone, an_email, an_id
from leads_domain.details import ATTRIBUTES_MAX, Scalar
from leads_domain.events import EventType
from leads_domain.lead import Lead
from leads_domain.merging import merge
from strategies import leads

HOUR = timedelta(hours=1)


def test_the_fields_of_the_target_win() -> None:
    fields: dict[str, Any] = {"phone": a_phone("+12025550100"), "source": "fair", "owner": an_email("ann@example.com")}
    target = a_lead(**fields, status="contacted", attributes={"size": 3})
    duplicate = a_lead(
        id=an_id(2),
        name="Jon Do",
        email=an_email("jon@example.com"),
        phone=a_phone("+12025550111"),
        source="web",
        owner=an_email("bob@example.com"),
        status="lost",
        status_reason="No budget",
        attributes={"size": 4},
    )
    lead, events = merge(target, duplicate)
    assert lead == target
    assert [event.type for event in events] == [EventType.LEAD_MERGED]


def test_empty_fields_are_filled_and_recorded() -> None:
    fields: dict[str, Any] = {"phone": a_phone(extension="1"), "source": "fair", "owner": an_email("ann@example.com")}
    lead, events = merge(a_lead(attributes={"size": 3}), a_lead(id=an_id(2), **fields, attributes={"vip": True}))
    assert lead == a_lead(**fields, attributes={"size": 3, "vip": True})
    assert [event.type for event in events] == [EventType.LEAD_MERGED, EventType.LEAD_UPDATED]
    assert events[1].data == {
        "changes": {
            "phone": {"from": None, "to": "+12025550123;ext=1"},
            "source": {"from": None, "to": "fair"},
            "owner": {"from": None, "to": "ann@example.com"},
            "attributes": {"from": {"size": 3}, "to": {"size": 3, "vip": True}},
        }
    }


def test_the_identity_of_the_duplicate_is_taken_only_if_the_target_has_no_email_address() -> None:
    by_phone = a_lead(email=None, phone=a_phone())
    by_email = a_lead(id=an_id(2), email=an_email("jane@example.com"))
    lead, [_, updated] = merge(by_phone, by_email)
    assert (lead.email, lead.phone, lead.identity) == (by_email.email, by_phone.phone, "jane@example.com")
    assert updated.data == {"changes": {"email": {"from": None, "to": "jane@example.com"}}}
    lead, _ = merge(by_email, by_phone)
    assert (lead.email, lead.phone, lead.identity) == (by_email.email, by_phone.phone, "jane@example.com")


def test_a_name_that_was_not_given_is_filled() -> None:
    caller = a_lead(name=str(a_phone()), email=None, phone=a_phone())
    person = a_lead(id=an_id(2), name="Jane Roe", email=an_email("jane@example.com"))
    unknown = replace(person, name="jane@example.com")
    assert merge(caller, person)[0].name == "Jane Roe"
    assert merge(person, caller)[0].name == "Jane Roe"
    assert merge(caller, unknown)[0].name == caller.name


def test_attributes_are_copied_up_to_the_limit() -> None:
    own = {f"own {number}": number for number in range(ATTRIBUTES_MAX - 2)}
    others = {"own 0": "other", "a": 1, "b": 2, "c": 3}
    lead, [merged, _] = merge(a_lead(attributes=own), a_lead(id=an_id(2), attributes=others))
    assert lead.attributes == {**own, "a": 1, "b": 2}
    assert merged.data["duplicate"]["attributes"] == others  # type: ignore[call-overload, index]


@pytest.mark.parametrize(
    ("one", "other", "first"), [(None, None, None), (NOON, None, NOON), (None, NOON, NOON), (NOON + HOUR, NOON, NOON)]
)
def test_the_contact_time_is_the_earlier_of_the_two(one: Any, other: Any, first: Any) -> None:
    lead, _ = merge(a_lead(contacted_at=one), a_lead(id=an_id(2), contacted_at=other))
    assert lead.contacted_at == first


def test_the_event_has_every_field_of_the_duplicate() -> None:
    duplicate = a_lead(
        id=an_id(2),
        name="Jane Roe",
        email=an_email("Jane@Example.com"),
        phone=a_phone(extension="1"),
        status="lost",
        status_reason="No budget",
        source="fair",
        owner=an_email("ann@example.com"),
        attributes={"size": 3},
        contacted_at=NOON,
        version=4,
    )
    _, [merged, *_] = merge(a_lead(), duplicate)
    assert merged.data == {
        "duplicate_id": an_id(2),
        "duplicate": {
            "name": "Jane Roe",
            "email": "Jane@Example.com",
            "phone": "+12025550123;ext=1",
            "status": "lost",
            "status_reason": "No budget",
            "source": "fair",
            "owner": "ann@example.com",
            "do_not_contact": False,
            "attributes": {"size": 3},
            "created_at": "2026-01-05T12:00:00.000000Z",
            "updated_at": "2026-01-05T12:00:00.000000Z",
            "contacted_at": "2026-01-05T12:00:00.000000Z",
            "version": 4,
        },
    }


def facts_of(lead: Lead) -> set[str]:
    """Return the values of a lead that a merge combines."""
    facts: dict[str, Any] = {
        "name": lead.name,
        "email": str(lead.email) if lead.email else None,
        "phone": str(lead.phone) if lead.phone else None,
        "source": lead.source,
        "owner": str(lead.owner) if lead.owner else None,
    }
    return {f"{field}: {value!r}" for field, value in facts.items() if value} | _attributes(lead.attributes)


def _attributes(attributes: Any) -> set[str]:
    return {f"attribute {name}: {value!r}" for name, value in attributes.items()}


@given(leads(), leads())
def test_no_value_of_either_lead_is_lost(target: Lead, duplicate: Lead) -> None:
    lead, [merged, *_] = merge(target, duplicate)
    facts: Any = merged.data["duplicate"]
    preserved = facts_of(lead) | _attributes(facts["attributes"])
    preserved |= {f"{field}: {value!r}" for field, value in facts.items() if value}
    assert facts_of(target) | facts_of(duplicate) <= preserved


@given(leads(), leads())
def test_a_field_stays_empty_only_if_it_is_empty_in_both(target: Lead, duplicate: Lead) -> None:
    lead, _ = merge(target, duplicate)
    for field in ("email", "phone", "source", "owner"):
        assert getattr(lead, field) == (getattr(target, field) or getattr(duplicate, field))
    assert len(lead.attributes) <= ATTRIBUTES_MAX
    assert lead.attributes.items() >= target.attributes.items()


SMALL_ATTRIBUTES: st.SearchStrategy[dict[str, Scalar]] = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3))


@given(leads(), leads(), leads(), st.tuples(SMALL_ATTRIBUTES, SMALL_ATTRIBUTES, SMALL_ATTRIBUTES))
def test_the_order_of_the_merges_in_a_chain_does_not_matter(
    first: Lead, second: Lead, third: Lead, attributes: tuple[dict[str, Scalar], ...]
) -> None:
    one, two, three = (
        replace(lead, attributes=each) for lead, each in zip((first, second, third), attributes, strict=True)
    )
    left_first, _ = merge(merge(one, two)[0], three)
    right_first, _ = merge(one, merge(two, three)[0])
    assert left_first == right_first
