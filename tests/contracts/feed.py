"""What every adapter of the `Timeline` port promises to those who follow what happens to all leads."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import an_id
from contracts.stores import ON_ONE_DATABASE, StoreContract
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
"""Something happens to a lead, or is undone; or a follower reads a page of so many."""


class BrokenOffError(Exception):
    """What breaks a unit of work off."""


def add_and_fail(work: UnitOfWork, *told: TimelineEntry) -> None:
    """Remember what happened, and break off."""
    add(work, *told)
    raise BrokenOffError


class FeedContract(StoreContract):
    """See `StoreContract`."""

    def test_events_of_all_leads_are_listed_oldest_first(self, database: RunningDatabase) -> None:
        told = [*some_entries(2), *some_entries(2, OTHER_LEAD), *some_entries(1)]
        database.write(add, *told[:3])
        database.write(add, *told[3:])

        assert FeedReader().follow(database) == told

    @pytest.mark.parametrize("limit", [1, 2, 3, 200])
    def test_tells_everything_once_whatever_the_size_of_the_pages(self, database: RunningDatabase, limit: int) -> None:
        told = some_entries(2 * PUBLISH_BATCH_SIZE + 6)
        database.write(add, *told)

        assert FeedReader().follow(database, limit) == told

    def test_is_an_empty_page_when_nothing_has_happened_or_nothing_more(self, database: RunningDatabase) -> None:
        assert database.run(events(database.database, None, 5)) == Page([], None)
        database.write(add, *some_entries(3))

        page = database.run(events(database.database, None, 5))
        assert page.next is not None
        assert database.run(events(database.database, page.next, 5)) == Page([], None)

    def test_goes_on_where_a_follower_has_stopped(self, database: RunningDatabase) -> None:
        follower = FeedReader()
        told = some_entries(9)
        for start in range(0, 9, 3):
            database.write(add, *told[start : start + 3])
            assert follower.follow(database, limit=2) == told[: start + 3]

    def test_gives_every_follower_the_same_order_from_whichever_place(self, database: RunningDatabase) -> None:
        early, late = FeedReader(), FeedReader()
        told = some_entries(5)
        database.write(add, *told[:2])
        early.follow(database)
        half_way = early.after
        database.write(add, *told[2:])

        assert early.follow(database) == late.follow(database, limit=1) == told
        assert FeedReader(after=half_way).follow(database) == told[2:]

    @pytest.mark.parametrize("before", [0, 3, SKIP_BATCH_SIZE - 1, SKIP_BATCH_SIZE, SKIP_BATCH_SIZE + 1])
    def test_ends_behind_everything_that_has_happened(self, database: RunningDatabase, before: int) -> None:
        database.write(add, *some_entries(before))
        while (end := database.write(find_end)) is None:
            pass
        assert FeedReader(after=end).follow(database) == []

        told = some_entries(2)
        database.write(add, *told)
        assert FeedReader(after=end).follow(database) == told

    def test_changes_nothing_for_whoever_finds_nothing_new(self, database: RunningDatabase) -> None:
        told = some_entries(4)
        database.write(add, *told)
        assert database.read(read_events, limit=2) is None
        page = database.write(publish_events, limit=2)

        assert page.items == told[:2]
        assert database.read(read_events, limit=2) == page
        rest = database.read(read_events, after=page.next, limit=50)
        assert rest is not None
        assert rest.items == told[2:]
        assert database.read(read_events, after=rest.next, limit=50) == Page([], None)

    def test_reads_full_pages_although_there_is_something_new(self, database: RunningDatabase) -> None:
        follower = FeedReader()
        database.write(add, *some_entries(2))
        seen = follower.follow(database)
        database.write(add, *some_entries(2))

        assert database.read(read_events, limit=2) == Page(seen, follower.after)
        assert database.read(read_events, after=follower.after, limit=2) is None

    def test_tells_nothing_of_what_was_undone(self, database: RunningDatabase) -> None:
        follower = FeedReader()
        told = some_entries(3)
        for entry in told:
            with pytest.raises(BrokenOffError):
                database.write(add_and_fail, *some_entries(2))
            database.write(add, entry)
            follower.follow(database)

        assert follower.seen == told

    @ON_ONE_DATABASE
    @given(STEPS)
    def test_neither_misses_nor_repeats_anything_whoever_follows_when(
        self, database: RunningDatabase, steps: Sequence[tuple[str, int, int]]
    ) -> None:
        here = FeedReader()
        before = len(here.follow(database))
        followers = [FeedReader(after=here.after) for _ in range(3)]
        told = []
        for step, which, size in steps:
            entries = some_entries(size, LeadId(an_id(which)))
            if step == "add":
                database.write(add, *entries)
                told += entries
            elif step == "fail":
                with pytest.raises(BrokenOffError):
                    database.write(add_and_fail, *entries)
            else:
                database.run(followers[which].read_page(database.database, size))

        for follower in [*followers, here]:
            follower.follow(database)
        assert here.seen[before:] == told
        assert [follower.seen for follower in followers] == [told] * 3
