"""The contract of the `Timeline` port for clients that follow the events of all leads."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import an_id
from contracts.stores import LARGE, ON_ONE_DATABASE, StoreContract, text_of
from contracts.timeline import OTHER_LEAD, add, some_entries
from databases import RunningDatabase
from feed_reader import FeedReader, events
from leads_domain.events import TimelineEntry
from leads_domain.lead import LeadId
from leads_domain.paging import Page
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.follow_events import (
    PUBLISH_BATCH_SIZE,
    SKIP_BATCH_SIZE,
    find_end,
    publish_events,
    read_events,
)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 3), st.integers(1, 4)),
        st.tuples(st.just("fail"), st.integers(1, 3), st.integers(1, 4)),
        st.tuples(st.just("look"), st.integers(0, 2), st.integers(1, 5)),
    ),
    max_size=20,
)
"""Steps: events of a lead are added or rolled back, or a reader reads a page of this size."""


class RollbackError(Exception):
    """An error that rolls back a unit of work."""


def add_and_fail(work: UnitOfWork, *entries: TimelineEntry) -> None:
    """Add entries, and roll back."""
    add(work, *entries)
    raise RollbackError


class FeedContract(StoreContract):
    """See `StoreContract`."""

    def test_events_of_all_leads_are_listed_oldest_first(self, database: RunningDatabase) -> None:
        entries = [*some_entries(2), *some_entries(2, OTHER_LEAD), *some_entries(1)]
        database.write(add, *entries[:3])
        database.write(add, *entries[3:])

        assert FeedReader().follow(database) == entries

    @pytest.mark.parametrize("limit", [1, 2, 3, 200])
    def test_lists_every_event_once_with_pages_of_any_size(self, database: RunningDatabase, limit: int) -> None:
        entries = some_entries(2 * PUBLISH_BATCH_SIZE + 6)
        database.write(add, *entries)

        assert FeedReader().follow(database, limit) == entries

    def test_pages_end_by_the_size_of_the_events(self, database: RunningDatabase) -> None:
        entries = [replace(entry, data={"a": text_of(LARGE)}) for entry in some_entries(5)]
        database.write(add, *entries)
        database.write(publish_events)
        database.write(add, *some_entries(1))
        first = database.read(read_events, limit=50, bytes_max=2_690)
        assert first is not None, "a cut page needs no new events"
        second = database.read(read_events, after=first.next, limit=50, bytes_max=2_690)
        assert second is not None
        assert [*first.items, *second.items] == entries[:4]
        assert [first.is_cut, second.is_cut] == [True, True]
        assert database.read(read_events, after=second.next, limit=50, bytes_max=2_690) is None

    def test_returns_an_empty_page_without_new_events(self, database: RunningDatabase) -> None:
        assert database.run(events(database.database, None, 5)) == Page([], None)
        database.write(add, *some_entries(3))

        page = database.run(events(database.database, None, 5))
        assert page.next is not None
        assert database.run(events(database.database, page.next, 5)) == Page([], None)

    def test_continues_after_the_last_page_of_a_reader(self, database: RunningDatabase) -> None:
        reader = FeedReader()
        entries = some_entries(9)
        for start in range(0, 9, 3):
            database.write(add, *entries[start : start + 3])
            assert reader.follow(database, limit=2) == entries[: start + 3]

    def test_has_the_same_order_for_every_reader_from_any_position(self, database: RunningDatabase) -> None:
        early, late = FeedReader(), FeedReader()
        entries = some_entries(5)
        database.write(add, *entries[:2])
        early.follow(database)
        middle = early.after
        database.write(add, *entries[2:])

        assert early.follow(database) == late.follow(database, limit=1) == entries
        assert FeedReader(after=middle).follow(database) == entries[2:]

    @pytest.mark.parametrize("before", [0, 3, SKIP_BATCH_SIZE - 1, SKIP_BATCH_SIZE, SKIP_BATCH_SIZE + 1])
    def test_the_end_of_the_feed_is_after_every_event(self, database: RunningDatabase, before: int) -> None:
        database.write(add, *some_entries(before))
        while (end := database.write(find_end)) is None:
            pass
        assert FeedReader(after=end).follow(database) == []

        entries = some_entries(2)
        database.write(add, *entries)
        assert FeedReader(after=end).follow(database) == entries

    def test_a_read_without_new_events_changes_nothing(self, database: RunningDatabase) -> None:
        entries = some_entries(4)
        database.write(add, *entries)
        assert database.read(read_events, limit=2) is None
        database.write(publish_events)

        page = database.read(read_events, limit=2)
        assert page is not None
        assert page.items == entries[:2]
        rest = database.read(read_events, after=page.next, limit=50)
        assert rest is not None
        assert rest.items == entries[2:]
        assert database.read(read_events, after=rest.next, limit=50) == Page([], None)

    def test_a_full_page_is_read_without_publishing_new_events(self, database: RunningDatabase) -> None:
        reader = FeedReader()
        database.write(add, *some_entries(2))
        seen = reader.follow(database)
        database.write(add, *some_entries(2))

        assert database.read(read_events, limit=2) == Page(seen, reader.after)
        assert database.read(read_events, after=reader.after, limit=2) is None

    def test_lists_no_event_that_was_rolled_back(self, database: RunningDatabase) -> None:
        reader = FeedReader()
        entries = some_entries(3)
        for entry in entries:
            with pytest.raises(RollbackError):
                database.write(add_and_fail, *some_entries(2))
            database.write(add, entry)
            reader.follow(database)

        assert reader.seen == entries

    @ON_ONE_DATABASE
    @given(STEPS)
    def test_no_reader_misses_or_repeats_an_event(
        self, database: RunningDatabase, steps: Sequence[tuple[str, int, int]]
    ) -> None:
        complete = FeedReader()
        before = len(complete.follow(database))
        readers = [FeedReader(after=complete.after) for _ in range(3)]
        expected = []
        for step, which, size in steps:
            entries = some_entries(size, LeadId(an_id(which)))
            if step == "add":
                database.write(add, *entries)
                expected += entries
            elif step == "fail":
                with pytest.raises(RollbackError):
                    database.write(add_and_fail, *entries)
            else:
                database.run(readers[which].read_page(database.database, size))

        for reader in [*readers, complete]:
            reader.follow(database)
        assert complete.seen[before:] == expected
        assert [reader.seen for reader in readers] == [expected] * 3
