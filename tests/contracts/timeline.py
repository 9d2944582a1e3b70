"""What every adapter of the `Timeline` port promises."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, an_id
from contracts.stores import ON_ONE_DATABASE, StoreContract, all_pages
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
    """What an event may tell: values in lists and objects."""
    values: st.SearchStrategy[Json] = st.recursive(
        scalars(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3), max_leaves=5
    )
    return st.dictionaries(texts(), values, max_size=3)


def add(work: UnitOfWork, *told: TimelineEntry) -> None:
    """Remember what happened."""
    work.timeline.add(told)


def of_lead(work: UnitOfWork, lead: LeadId, before: int | None = None, limit: int = 50) -> Page[TimelineEntry, int]:
    """A page of what happened to a lead."""
    return work.timeline.of_lead(lead, before=before, limit=limit)


def some_entries(size: int, lead: LeadId = LEAD) -> list[TimelineEntry]:
    """What happened to a lead, all at the same time."""
    return [replace(ENTRY, id=an_id(next(NUMBERS)), lead_id=lead, data={"number": number}) for number in range(size)]


class TimelineContract(StoreContract):
    """See `StoreContract`."""

    def test_shows_what_happened_newest_first(self, database: RunningDatabase) -> None:
        told = some_entries(5)
        database.write(add, *told[:3])
        database.write(add, *told[3:])

        assert database.read(of_lead, LEAD) == Page(told[::-1], None)

    def test_goes_by_the_order_in_which_it_was_told_whatever_the_clocks_and_ids_say(
        self, database: RunningDatabase
    ) -> None:
        first = replace(ENTRY, id=an_id(9), at=NOON + timedelta(hours=1))
        second = replace(ENTRY, id=an_id(8), at=NOON)
        database.write(add, first, second)

        assert database.read(of_lead, LEAD).items == [second, first]

    def test_shows_only_what_happened_to_the_lead(self, database: RunningDatabase) -> None:
        here, there = some_entries(3), some_entries(3, OTHER_LEAD)
        for one, other in zip(here, there, strict=True):
            database.write(add, one, other)

        assert database.read(of_lead, LEAD).items == here[::-1]
        assert database.read(of_lead, OTHER_LEAD).items == there[::-1]
        assert database.read(of_lead, LeadId(an_id(3))) == Page([], None)

    @pytest.mark.parametrize("size", [1, 2, 3, 200])
    def test_shows_everything_on_exactly_one_page(self, database: RunningDatabase, size: int) -> None:
        here = some_entries(8)
        for one in here:
            database.write(add, *some_entries(2, OTHER_LEAD), one)

        assert all_pages(lambda before: database.read(of_lead, LEAD, before, size), size=size) == here[::-1]

    def test_announces_no_page_after_one_that_was_just_filled(self, database: RunningDatabase) -> None:
        database.write(add, *some_entries(4))

        assert database.read(of_lead, LEAD, limit=4).next is None
        assert database.read(of_lead, LEAD, limit=3).next is not None

    def test_continues_before_a_position_although_more_has_happened_since(self, database: RunningDatabase) -> None:
        told = some_entries(6)
        database.write(add, *told[:4])
        page = database.read(of_lead, LEAD, limit=2)
        database.write(add, *told[4:])

        assert database.read(of_lead, LEAD, page.next, 2).items == [told[1], told[0]]

    def test_remembers_nothing_when_it_is_told_nothing(self, database: RunningDatabase) -> None:
        database.write(add)

        assert database.read(of_lead, LEAD) == Page([], None)

    @ON_ONE_DATABASE
    @given(st.sampled_from(EventType), utc_times(), texts(min_size=1), json_objects())
    def test_remembers_every_detail(
        self, database: RunningDatabase, type: EventType, at: datetime, actor: str, data: dict[str, Json]
    ) -> None:
        entry = replace(ENTRY, id=an_id(next(NUMBERS)), type=type, at=at, actor=actor, data=data)
        database.write(add, entry)

        assert _exactly(database.read(of_lead, LEAD, limit=1).items) == _exactly([entry])

    def test_moves_what_happened_to_a_lead_in_between_what_happened_to_the_other(
        self, database: RunningDatabase
    ) -> None:
        here, there = some_entries(3), some_entries(3, OTHER_LEAD)
        for one, other in zip(here, there, strict=True):
            database.write(add, one, other)
        database.write(lambda work: work.timeline.move(OTHER_LEAD, LEAD))

        both = [each for pair in zip(here, there, strict=True) for each in pair]
        expected = [replace(each, lead_id=LEAD) for each in reversed(both)]
        assert all_pages(lambda before: database.read(of_lead, LEAD, before, 4), size=4) == expected
        assert database.read(of_lead, OTHER_LEAD) == Page([], None)

    def test_remembers_a_tombstone_in_the_place_of_everything_else(self, database: RunningDatabase) -> None:
        here, there = some_entries(3), some_entries(3, OTHER_LEAD)
        for one, other in zip(here, there, strict=True):
            database.write(add, other, one)
        database.write(lambda work: work.timeline.erase(ENTRY))

        assert database.read(of_lead, LEAD) == Page([ENTRY], None)
        assert database.read(of_lead, OTHER_LEAD).items == there[::-1]


def _exactly(entries: Sequence[TimelineEntry]) -> str:
    """Told so that 1, 1.0 and True differ, and UTC and another zone, all of which Python takes for equal."""
    return repr(list(entries)).replace(", fold=1", "")
