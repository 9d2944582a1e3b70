"""Questions to the store of leads."""

from dataclasses import fields
from typing import Any

import pytest

from builders import NOON, a_lead, an_id
from leads_domain.paging import PLAIN, LeadPosition, LeadQuery, LeadSort


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"statuses": ("new", "lost")},
        {"email_key": "john@example.com"},
        {"sort": LeadSort.OLDEST_FIRST, "limit": 200, "after": LeadPosition(NOON, an_id(1))},
    ],
)
def test_a_page_that_one_index_has_is_plain(asked: dict[str, Any]) -> None:
    assert LeadQuery(**asked).is_plain


@pytest.mark.parametrize("member", [each.name for each in fields(LeadQuery) if each.name not in PLAIN])
def test_a_query_with_any_other_member_may_take_long(member: str) -> None:
    asked: dict[str, Any] = {member: object()}
    assert not LeadQuery(**asked).is_plain


@pytest.mark.parametrize("sort", [each for each in LeadSort if each.member != "created_at"])
def test_a_query_in_any_other_order_may_take_long(sort: LeadSort) -> None:
    assert not LeadQuery(sort=sort).is_plain


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
