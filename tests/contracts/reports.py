"""The contract of the `Reports` port."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import NOON, a_follow_up, a_lead, an_email, an_id
from contracts.stores import StoreContract
from databases import RunningDatabase
from leads_domain.events import EventType, TimelineEntry
from leads_domain.follow_up import FollowUpId, FollowUpState
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.statistics import SourceCount

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


def add_leads(work: UnitOfWork, *leads: Mapping[str, object]) -> None:
    """Add a lead with each of these sets of fields."""
    for number, fields in enumerate(leads, 1):
        work.leads.add(a_lead(id=an_id(number), email=an_email(f"{number}@example.com"), **fields))


def an_enquiry_entry(number: int, lead: int, source: str | None) -> TimelineEntry:
    """Return the timeline entry of an enquiry of a lead."""
    return TimelineEntry(
        id=an_id(number), lead_id=an_id(lead), type=EventType.LEAD_ENQUIRED, at=NOON, actor="x", data={"source": source}
    )


def contacted_after(*times: timedelta) -> list[dict[str, object]]:
    """Return the fields of leads that were contacted after these times."""
    return [{"contacted_at": NOON + time} for time in times]


def by_source(work: UnitOfWork, *won: str, limit: int = 100) -> Sequence[SourceCount]:
    """Return the numbers of leads, conversions and enquiries by source."""
    return work.reports.counts_by_source(won, limit=limit)


def median(work: UnitOfWork) -> timedelta | None:
    """Return the median time to the first contact."""
    return work.reports.median_time_to_first_contact()


class ReportsContract(StoreContract):
    """See `StoreContract`."""

    def test_reports_nothing_for_an_empty_database(self, database: RunningDatabase) -> None:
        assert database.read_long(lambda work: work.reports.leads_by_status()) == {}
        assert database.read_long(by_source, "converted") == []
        assert database.read_long(median) is None
        assert database.read_long(lambda work: work.reports.enquiries()) == 0
        assert database.read_long(lambda work: work.reports.overdue_follow_ups(NOON)) == 0

    def test_counts_leads_by_status(self, database: RunningDatabase) -> None:
        database.write(add_leads, {"status": "new"}, {"status": "лид"}, {"status": "new"})

        assert database.read_long(lambda work: work.reports.leads_by_status()) == {"new": 2, "лид": 1}

    def test_counts_leads_and_conversions_by_source(self, database: RunningDatabase) -> None:
        statuses = ["new", "converted", "won", "lost", "converted"]
        sources = ["web", "fair", "web", "web", None]
        leads = [{"status": each, "source": source} for each, source in zip(statuses, sources, strict=True)]
        database.write(add_leads, *leads)

        assert database.read_long(by_source, "converted", "won") == [
            SourceCount("web", 3, 1),
            SourceCount(None, 1, 1),
            SourceCount("fair", 1, 1),
        ]
        assert [each.conversions for each in database.read_long(by_source, "converted")] == [0, 1, 1]
        assert [each.conversions for each in database.read_long(by_source)] == [0, 0, 0]

    def test_counts_enquiries_by_their_own_source_else_by_that_of_their_lead(self, database: RunningDatabase) -> None:
        def add(work: UnitOfWork) -> None:
            add_leads(work, {"source": "web"}, {}, {"source": "web"})
            sources = [(1, None), (1, "web"), (2, "fair"), (2, None), (3, "a "), (3, "fair")]
            for number, (lead, source) in enumerate(sources, 10):
                work.timeline.add([an_enquiry_entry(number, lead, source)])
            work.timeline.add([replace(an_enquiry_entry(20, 1, "web"), type=EventType.LEAD_NOTE_ADDED)])

        database.write(add)

        assert database.read_long(lambda work: work.reports.enquiries()) == 6
        assert database.read_long(by_source, "new") == [
            SourceCount("web", 2, 2, 2),
            SourceCount(None, 1, 1, 1),
            SourceCount("a ", 0, 0, 1),
            SourceCount("fair", 0, 0, 2),
        ]

    def test_lists_the_largest_sources_and_equal_ones_by_name(self, database: RunningDatabase) -> None:
        sources = ["b", "B", "é", "z", "\U0001f600", "ﬀ", "a", None, "z"]
        database.write(add_leads, *({"source": source} for source in sources))

        listed = [each.source for each in database.read_long(by_source)]
        assert listed == ["z", None, "B", "a", "b", "é", "ﬀ", "\U0001f600"]
        assert [each.source for each in database.read_long(by_source, limit=3)] == listed[:3]

    @pytest.mark.parametrize(
        ("times", "expected"),
        [
            ([SECOND], SECOND),
            ([5 * SECOND, SECOND, 2 * SECOND], 2 * SECOND),
            ([4 * SECOND, SECOND], 2.5 * SECOND),
            ([MICROSECOND, 3 * MICROSECOND], 2 * MICROSECOND),
            ([MICROSECOND, timedelta(days=400_000, microseconds=5)], timedelta(days=200_000, microseconds=3)),
            ([-SECOND, SECOND, -timedelta(days=3, microseconds=1)], timedelta()),
            ([-SECOND, -SECOND, SECOND, 3 * SECOND], SECOND / 2),
        ],
    )
    def test_computes_the_median_time_to_the_first_contact(
        self, database: RunningDatabase, times: Sequence[timedelta], expected: timedelta
    ) -> None:
        database.write(add_leads, {}, *contacted_after(*times), {})

        assert database.read_long(median) == expected

    def test_counts_overdue_follow_ups(self, database: RunningDatabase) -> None:
        def add(work: UnitOfWork) -> None:
            work.leads.add(a_lead())
            for number, due_at in enumerate([NOON - SECOND, NOON - MICROSECOND, NOON, NOON + MICROSECOND], 10):
                follow_up = a_follow_up(id=FollowUpId(an_id(number)), lead_id=LeadId(an_id(1)), due_at=due_at)
                work.follow_ups.add(follow_up)
            cancelled = a_follow_up(due_at=NOON - SECOND, state=FollowUpState.CANCELLED, next_attempt_at=None)
            work.follow_ups.add(cancelled)

        database.write(add)

        assert database.read_long(lambda work: work.reports.overdue_follow_ups(NOON)) == 2
        assert database.read_long(lambda work: work.reports.overdue_follow_ups(NOON + 2 * MICROSECOND)) == 4
