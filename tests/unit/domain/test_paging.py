"""Questions to the store of leads."""

from typing import Any

import pytest

from builders import NOON, a_lead, an_id
from leads_domain.paging import LeadPosition, LeadQuery, LeadSort


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


@pytest.mark.parametrize(
    "asked",
    [
        {"words": ("john",)},
        {"source": "fair"},
        {"owner_key": "ann@example.com"},
        {"created_from": NOON},
        {"created_to": NOON},
        {"updated_from": NOON},
        {"has_follow_up": False},
        {"follow_up_due_before": NOON},
        *({"sort": sort} for sort in LeadSort if sort.member != "created_at"),
    ],
)
def test_any_other_may_take_long(asked: dict[str, Any]) -> None:
    assert not LeadQuery(**asked).is_plain


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
