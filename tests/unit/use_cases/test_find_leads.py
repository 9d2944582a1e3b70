"""Test the query that the filters of a client become."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest

from builders import NOON, a_pipeline
from fakes import FixedClock, PlainNormalizer
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.use_cases.find_leads import Q_MAX, WORDS_MAX, BuildLeadQuery, FiltersInput, FollowedUp

EAST = timezone(timedelta(hours=1))
BUILD = BuildLeadQuery(FixedClock(), PlainNormalizer(), a_pipeline(new=("done",), done=()))


def query(**filters: Any) -> LeadQuery:
    return BUILD(cast(FiltersInput, filters))


def errors(**filters: Any) -> Sequence[FieldError]:
    with pytest.raises(ValidationFailed) as invalid:
        query(**filters)
    return invalid.value.errors


def details(**filters: Any) -> list[str]:
    return [error.detail for error in errors(**filters)]


def test_without_filters_the_query_matches_all_leads() -> None:
    assert query() == LeadQuery(sort=LeadSort.NEWEST_FIRST, limit=50)
    assert BUILD({}, sort=LeadSort.BY_NAME, limit=7) == LeadQuery(sort=LeadSort.BY_NAME, limit=7)


def test_all_filters_are_combined() -> None:
    assert query(
        source="fair", owner="Ann@example.com", email="John@example.com", q="Jane", status=["new"]
    ) == LeadQuery(
        source="fair",
        owner_key="ann@example.com",
        email_key="john@example.com",
        words=(("jane",),),
        statuses=("new",),
    )


def test_statuses_keep_their_order_without_repetitions() -> None:
    assert query(status=["done", "new", "done"]).statuses == ("done", "new")


def test_all_unknown_statuses_are_reported() -> None:
    found = errors(status=["old", "new", "lost"])
    assert [error.detail for error in found] == [
        "Unknown status 'old'. Use one of: new, done.",
        "Unknown status 'lost'. Use one of: new, done.",
    ]


@pytest.mark.parametrize("field", ["created_from", "created_to", "updated_from"])
def test_times_are_converted_to_utc(field: str) -> None:
    local = datetime(2026, 1, 5, 13, 0, tzinfo=EAST)
    built = query(**{field: local})
    assert built == LeadQuery(**cast(Any, {field: NOON}))
    assert getattr(built, field).tzinfo is UTC
    assert [error.pointer for error in errors(**{field: datetime.min.replace(tzinfo=EAST)})] == [f"/{field}"]


def test_a_filter_by_follow_ups_matches_scheduled_overdue_or_none() -> None:
    assert query(follow_up=FollowedUp.SCHEDULED) == LeadQuery(has_follow_up=True)
    assert query(follow_up=FollowedUp.NONE) == LeadQuery(has_follow_up=False)
    assert query(follow_up=FollowedUp.OVERDUE) == LeadQuery(has_follow_up=True, follow_up_due_before=NOON)


def test_an_empty_source_is_refused() -> None:
    assert details(source="") == ["Must not be empty."]


def test_a_search_text_has_a_limit_of_characters_and_words() -> None:
    assert query(q="x" * Q_MAX).words
    assert details(q="x" * (Q_MAX + 1)) == ["Must have at most 200 characters, but has 201."]
    words = [f"w{chr(97 + number)}" for number in range(WORDS_MAX + 1)]
    assert len(query(q=" ".join(words[1:])).words) == WORDS_MAX
    assert details(q=" ".join(words)) == ["Must have at most 20 words, but has 21."]


def test_the_errors_of_all_filters_are_reported_together() -> None:
    assert [error.pointer for error in errors(email="x", owner="y", source="", q="Jane")] == [
        "/email",
        "/owner",
        "/source",
    ]
