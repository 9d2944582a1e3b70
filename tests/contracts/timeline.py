"""The contract of the `Timeline` port."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, an_id
from contracts.stores import LARGE, ON_ONE_DATABASE, SMALL, StoreContract, all_pages, assert_pages_end_by_size, text_of
from databases import RunningDatabase
from leads_domain.events import EventType, Json, TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import Page
from leads_domain.ports import UnitOfWork
from strategies import scalars, texts, utc_times

LEAD, OTHER_LEAD = LeadId(an_id(1)), LeadId(an_id(2))
ENTRY = TimelineEntry(
    id=an_id(1000), lead_id=LEAD, type=EventType.LEAD_CREATED, at=NOON, actor="Ann's key", data={"source": "fair"}
)
NUMBERS = count(1)


def json_objects() -> st.SearchStrategy[dict[str, Json]]:
    """Generate data of events: values in nested lists and objects."""
    values: st.SearchStrategy[Json] = st.recursive(
        scalars(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3), max_leaves=5
    )
    return st.dictionaries(texts(), values, max_size=3)


def add(work: UnitOfWork, *entries: TimelineEntry) -> None:
    """Add entries."""
    work.timeline.add(entries)


def of_lead(work: UnitOfWork, lead: LeadId, before: int | None = None, limit: int = 50) -> Page[TimelineEntry, int]:
    """Return a page of the timeline of a lead."""
    return work.timeline.of_lead(lead, before=before, limit=limit)


def last_time(work: UnitOfWork, lead: LeadId) -> datetime | None:
    """Return the time of the last entry of a lead."""
    return work.timeline.last_time(lead)


def some_entries(size: int, lead: LeadId = LEAD) -> list[TimelineEntry]:
    """Return entries of a lead, all with the same time."""
    return [replace(ENTRY, id=an_id(next(NUMBERS)), lead_id=lead, data={"number": number}) for number in range(size)]


class TimelineContract(StoreContract):
    """See `StoreContract`."""

    def test_lists_entries_newest_first(self, database: RunningDatabase) -> None:
        entries = some_entries(5)
        database.write(add, *entries[:3])
        database.write(add, *entries[3:])

        assert database.read(of_lead, LEAD) == Page(entries[::-1], None)

    def test_lists_entries_in_the_order_of_addition_with_any_times_and_ids(self, database: RunningDatabase) -> None:
        first = replace(ENTRY, id=an_id(9), at=NOON + timedelta(hours=1))
        second = replace(ENTRY, id=an_id(8), at=NOON)
        database.write(add, first, second)

        assert database.read(of_lead, LEAD).items == [second, first]
        assert database.read(last_time, LEAD) == NOON

    def test_the_last_time_is_that_of_the_last_entry_of_the_lead(self, database: RunningDatabase) -> None:
        assert database.read(last_time, LEAD) is None
        database.write(add, ENTRY, replace(ENTRY, id=an_id(9), lead_id=OTHER_LEAD, at=NOON + timedelta(hours=1)))
        assert database.read(last_time, LEAD) == NOON

    def test_lists_only_the_entries_of_the_given_lead(self, database: RunningDatabase) -> None:
        own, others = some_entries(3), some_entries(3, OTHER_LEAD)
        for one, other in zip(own, others, strict=True):
            database.write(add, one, other)

        assert database.read(of_lead, LEAD).items == own[::-1]
        assert database.read(of_lead, OTHER_LEAD).items == others[::-1]
        assert database.read(of_lead, LeadId(an_id(3))) == Page([], None)

    @pytest.mark.parametrize("size", [1, 2, 3, 200])
    def test_lists_every_entry_on_exactly_one_page(self, database: RunningDatabase, size: int) -> None:
        own = some_entries(8)
        for one in own:
            database.write(add, *some_entries(2, OTHER_LEAD), one)

        assert all_pages(lambda before: database.read(of_lead, LEAD, before, size), size=size) == own[::-1]

    def test_announces_no_page_after_a_full_last_page(self, database: RunningDatabase) -> None:
        database.write(add, *some_entries(4))

        assert database.read(of_lead, LEAD, limit=4).next is None
        assert database.read(of_lead, LEAD, limit=3).next is not None

    def test_continues_before_a_position_after_new_entries(self, database: RunningDatabase) -> None:
        entries = some_entries(6)
        database.write(add, *entries[:4])
        page = database.read(of_lead, LEAD, limit=2)
        database.write(add, *entries[4:])

        assert database.read(of_lead, LEAD, page.next, 2).items == [entries[1], entries[0]]

    def test_adds_an_empty_list(self, database: RunningDatabase) -> None:
        database.write(add)

        assert database.read(of_lead, LEAD) == Page([], None)

    @ON_ONE_DATABASE
    @given(st.sampled_from(EventType), utc_times(), texts(min_size=1), json_objects())
    def test_returns_every_detail_of_an_entry(
        self, database: RunningDatabase, type: EventType, at: datetime, actor: str, data: dict[str, Json]
    ) -> None:
        entry = replace(ENTRY, id=an_id(next(NUMBERS)), type=type, at=at, actor=actor, data=data)
        database.write(add, entry)

        assert _exactly(database.read(of_lead, LEAD, limit=1).items) == _exactly([entry])

    def test_pages_end_by_the_size_of_the_entries(self, database: RunningDatabase) -> None:
        sizes = [LARGE, SMALL, SMALL, LARGE] * 3
        entries = [
            replace(entry, data={"a": text_of(size)})
            for entry, size in zip(some_entries(len(sizes)), sizes, strict=True)
        ]
        database.write(add, *entries)

        def page_of(before: int | None, limit: int, bytes_max: int) -> Page[TimelineEntry, int]:
            return database.read(
                lambda work: work.timeline.of_lead(LEAD, before=before, limit=limit, bytes_max=bytes_max)
            )

        assert_pages_end_by_size(page_of, entries[::-1], sizes[::-1])

    def test_moves_the_entries_of_a_lead_between_those_of_the_other_in_order(self, database: RunningDatabase) -> None:
        own, others = some_entries(3), some_entries(3, OTHER_LEAD)
        for one, other in zip(own, others, strict=True):
            database.write(add, one, other)
        database.write(lambda work: work.timeline.move(OTHER_LEAD, LEAD))

        both = [each for pair in zip(own, others, strict=True) for each in pair]
        expected = [replace(each, lead_id=LEAD) for each in reversed(both)]
        assert all_pages(lambda before: database.read(of_lead, LEAD, before, 4), size=4) == expected
        assert database.read(of_lead, OTHER_LEAD) == Page([], None)

    def test_replaces_all_entries_of_an_erased_lead_by_one(self, database: RunningDatabase) -> None:
        own, others = some_entries(3), some_entries(3, OTHER_LEAD)
        for one, other in zip(own, others, strict=True):
            database.write(add, other, one)
        database.write(lambda work: work.timeline.erase(ENTRY))

        assert database.read(of_lead, LEAD) == Page([ENTRY], None)
        assert database.read(of_lead, OTHER_LEAD).items == others[::-1]


def _exactly(entries: Sequence[TimelineEntry]) -> str:
    """Return a text that differs for 1, 1.0 and True, and for different time zones: Python treats them as equal."""
    return repr(list(entries)).replace(", fold=1", "")
