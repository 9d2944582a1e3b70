"""Test queries for leads and positions in their order."""

from dataclasses import fields
from typing import Any

import pytest

from builders import NOON, a_lead, an_id
from leads_domain.paging import PAGE_BYTES_MAX, Cut, LeadPosition, LeadQuery, LeadSort, cut

UNFILTERED: dict[str, Any] = {
    "sort": LeadSort.BY_NAME,
    "limit": 200,
    "bytes_max": 1,
    "after": LeadPosition("zoe", an_id(1)),
}


def test_sort_position_limit_and_size_are_not_filters() -> None:
    assert {*UNFILTERED} < {each.name for each in fields(LeadQuery)}
    assert not LeadQuery(**UNFILTERED).has_filters


@pytest.mark.parametrize("field", [each.name for each in fields(LeadQuery) if each.name not in UNFILTERED])
def test_any_other_field_is_a_filter(field: str) -> None:
    values: dict[str, Any] = {field: object()}
    assert LeadQuery(**values).has_filters


def test_a_position_has_the_sort_value_and_the_id() -> None:
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


@pytest.mark.parametrize(
    ("limit", "bytes_max", "expected"),
    [
        (3, 60, Cut(["a", "b", "c"], has_more=False, is_cut=False)),
        (9, 60, Cut(["a", "b", "c"], has_more=False, is_cut=False)),
        (9, 59, Cut(["a", "b"], has_more=True, is_cut=True)),
        (9, 30, Cut(["a", "b"], has_more=True, is_cut=True)),
        (9, 29, Cut(["a"], has_more=True, is_cut=True)),
        (9, 0, Cut(["a"], has_more=True, is_cut=True)),
        (2, 60, Cut(["a", "b"], has_more=True, is_cut=False)),
        (2, 30, Cut(["a", "b"], has_more=True, is_cut=False)),
    ],
)
def test_a_page_has_as_many_items_as_fit_and_at_least_one(limit: int, bytes_max: int, expected: Cut[str]) -> None:
    assert cut([("a", 10), ("b", 20), ("c", 30)], limit=limit, bytes_max=bytes_max) == expected


def test_an_empty_page_is_not_cut() -> None:
    assert cut([], limit=1, bytes_max=1) == Cut([], has_more=False, is_cut=False)


def test_a_page_has_at_most_eight_mebibytes() -> None:
    assert PAGE_BYTES_MAX == 8 * 1024 * 1024
