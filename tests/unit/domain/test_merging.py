"""What becomes of two leads that are the same person."""

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


def test_the_members_of_the_survivor_win() -> None:
    members: dict[str, Any] = {"phone": a_phone("+12025550100"), "source": "fair", "owner": an_email("ann@example.com")}
    survivor = a_lead(**members, status="contacted", attributes={"size": 3})
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
    lead, events = merge(survivor, duplicate)
    assert lead == survivor
    assert [event.type for event in events] == [EventType.LEAD_MERGED]


def test_gaps_are_filled_and_that_is_told() -> None:
    members: dict[str, Any] = {"phone": a_phone(extension="1"), "source": "fair", "owner": an_email("ann@example.com")}
    lead, events = merge(a_lead(attributes={"size": 3}), a_lead(id=an_id(2), **members, attributes={"vip": True}))
    assert lead == a_lead(**members, attributes={"size": 3, "vip": True})
    assert [event.type for event in events] == [EventType.LEAD_MERGED, EventType.LEAD_UPDATED]
    assert events[1].data == {
        "changes": {
            "phone": {"from": None, "to": "+12025550123;ext=1"},
            "source": {"from": None, "to": "fair"},
            "owner": {"from": None, "to": "ann@example.com"},
            "attributes": {"from": {"size": 3}, "to": {"size": 3, "vip": True}},
        }
    }


def test_attributes_are_taken_over_as_long_as_there_is_room() -> None:
    own = {f"own {number}": number for number in range(ATTRIBUTES_MAX - 2)}
    others = {"own 0": "other", "a": 1, "b": 2, "c": 3}
    lead, [told, _] = merge(a_lead(attributes=own), a_lead(id=an_id(2), attributes=others))
    assert lead.attributes == {**own, "a": 1, "b": 2}
    assert told.data["duplicate"]["attributes"] == others  # type: ignore[call-overload, index]


@pytest.mark.parametrize(
    ("one", "other", "first"), [(None, None, None), (NOON, None, NOON), (None, NOON, NOON), (NOON + HOUR, NOON, NOON)]
)
def test_it_was_first_contacted_when_either_was(one: Any, other: Any, first: Any) -> None:
    lead, _ = merge(a_lead(contacted_at=one), a_lead(id=an_id(2), contacted_at=other))
    assert lead.contacted_at == first


def test_everything_that_the_duplicate_was_is_told() -> None:
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
    _, [told, *_] = merge(a_lead(), duplicate)
    assert told.data == {
        "duplicate_id": an_id(2),
        "duplicate": {
            "name": "Jane Roe",
            "email": "Jane@Example.com",
            "phone": "+12025550123;ext=1",
            "status": "lost",
            "status_reason": "No budget",
            "source": "fair",
            "owner": "ann@example.com",
            "attributes": {"size": 3},
            "created_at": "2026-01-05T12:00:00.000000Z",
            "updated_at": "2026-01-05T12:00:00.000000Z",
            "contacted_at": "2026-01-05T12:00:00.000000Z",
            "version": 4,
        },
    }


def known_of(lead: Lead) -> set[str]:
    """Every single thing that is known of a lead; of its version and times only what a merge has a say in."""
    facts: dict[str, Any] = {
        "name": lead.name,
        "email": str(lead.email),
        "phone": str(lead.phone) if lead.phone else None,
        "source": lead.source,
        "owner": str(lead.owner) if lead.owner else None,
    }
    return {f"{member}: {value!r}" for member, value in facts.items() if value} | _attributes(lead.attributes)


def _attributes(attributes: Any) -> set[str]:
    return {f"attribute {name}: {value!r}" for name, value in attributes.items()}


@given(leads(), leads())
def test_nothing_that_is_known_is_lost(survivor: Lead, duplicate: Lead) -> None:
    lead, [told, *_] = merge(survivor, duplicate)
    facts: Any = told.data["duplicate"]
    kept = known_of(lead) | _attributes(facts["attributes"])
    kept |= {f"{member}: {value!r}" for member, value in facts.items() if value}
    assert known_of(survivor) | known_of(duplicate) <= kept


@given(leads(), leads())
def test_a_gap_is_one_only_if_neither_has_something_for_it(survivor: Lead, duplicate: Lead) -> None:
    lead, _ = merge(survivor, duplicate)
    for member in ("phone", "source", "owner"):
        assert getattr(lead, member) == (getattr(survivor, member) or getattr(duplicate, member))
    assert len(lead.attributes) <= ATTRIBUTES_MAX
    assert lead.attributes.items() >= survivor.attributes.items()


SMALL: st.SearchStrategy[dict[str, Scalar]] = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3))


@given(leads(), leads(), leads(), st.tuples(SMALL, SMALL, SMALL))
def test_in_a_chain_it_does_not_matter_which_are_merged_first(
    first: Lead, second: Lead, third: Lead, attributes: tuple[dict[str, Scalar], ...]
) -> None:
    one, two, three = (
        replace(lead, attributes=each) for lead, each in zip((first, second, third), attributes, strict=True)
    )
    ahead, _ = merge(merge(one, two)[0], three)
    behind, _ = merge(one, merge(two, three)[0])
    assert ahead == behind
