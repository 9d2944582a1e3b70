"""Questions to the store of leads."""

from dataclasses import fields
from typing import Any

import pytest

from builders import NOON, a_lead, an_id
from leads_domain.paging import LeadPosition, LeadQuery, LeadSort

UNFILTERED: dict[str, Any] = {"sort": LeadSort.BY_NAME, "limit": 200, "after": LeadPosition("zoe", an_id(1))}


def test_order_position_and_limit_are_no_filters() -> None:
    assert {*UNFILTERED} < {each.name for each in fields(LeadQuery)}
    assert not LeadQuery(**UNFILTERED).has_filters


@pytest.mark.parametrize("member", [each.name for each in fields(LeadQuery) if each.name not in UNFILTERED])
def test_any_other_member_is_a_filter(member: str) -> None:
    asked: dict[str, Any] = {member: object()}
    assert LeadQuery(**asked).has_filters


def test_a_position_holds_what_decides_about_the_order() -> None:
    lead = a_lead(name="Zoë  Strauß")
    positions = {sort.value: sort.position(lead).value for sort in LeadSort}
    assert positions == {
        "created_at": NOON,
        "-created_at": NOON,
        "updated_at": NOON,
        "-updated_at": NOON,
        "name": "zoe strauss",
        "next_follow_up_at": None,
    }
    assert {sort.position(lead).id for sort in LeadSort} == {lead.id}
