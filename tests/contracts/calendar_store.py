"""The contract of the `CalendarStore` port."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import NOON, a_follow_up, a_lead, a_task, an_email, an_id
from contracts.stores import StoreContract, all_pages
from databases import RunningDatabase
from leads_domain.access import digest
from leads_domain.calendar import ENTRY_TEXT_MAX, Calendar, CalendarEntry, CalendarId
from leads_domain.errors import NotFound
from leads_domain.events import EventType, TimelineEntry
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import Page, Position
from leads_domain.ports import UnitOfWork
from leads_domain.task import Task, TaskId, TaskState

SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(hours=1, microseconds=1)
MIA, NOAH = an_email("Mia@Example.com"), an_email("noah@example.com")


def a_calendar(number: int = 1) -> Calendar:
    """Return an active calendar. One with a higher number is newer."""
    at = NOON + timedelta(microseconds=number)
    return Calendar(id=CalendarId(an_id(number)), owner=MIA, digest=digest(str(number)), created_at=at)


def add(work: UnitOfWork, *calendars: Calendar) -> None:
    """Add calendars."""
    for calendar in calendars:
        work.calendars.add(calendar)


def get(work: UnitOfWork, id: CalendarId) -> Calendar:
    """Return the calendar with this id."""
    return work.calendars.get(id)


def find_by_digest(work: UnitOfWork, digest: str) -> Calendar | None:
    """Return the calendar with this digest."""
    return work.calendars.find_by_digest(digest)


def page(work: UnitOfWork, after: Position | None = None, limit: int = 50) -> Page[Calendar, Position]:
    """Return a page of calendars."""
    return work.calendars.page(after=after, limit=limit)


def revoke(work: UnitOfWork, id: CalendarId, at: datetime) -> None:
    """Revoke a calendar."""
    work.calendars.revoke(id, at)


def entries(
    work: UnitOfWork, owner_key: str = MIA.key, due_from: datetime = NOON, limit: int = 50
) -> Sequence[CalendarEntry]:
    """Return the entries of a person."""
    return work.calendars.entries(owner_key, due_from=due_from, limit=limit)


def lead_of(number: int, **fields: object) -> Lead:
    """Return a lead that Mia owns."""
    owned = {"id": an_id(number), "name": f"Lead {number}", "email": an_email(f"{number}@example.com"), "owner": MIA}
    return a_lead(**{**owned, **fields})


def follow_up_of(number: int, **fields: object) -> FollowUp:
    """Return a follow-up of the lead 1, due `number` seconds after noon."""
    due = {"id": an_id(number), "lead_id": an_id(1), "due_at": NOON + number * SECOND}
    return a_follow_up(**{**due, **fields})


def task_of(number: int, **fields: object) -> Task:
    """Return a task of Mia about the lead 1, due `number` seconds after noon."""
    due = {"id": TaskId(an_id(number)), "lead_id": an_id(1), "assignee": MIA, "due_at": NOON + number * SECOND}
    return a_task(**{**due, **fields})


def store(
    work: UnitOfWork, leads: Sequence[Lead], follow_ups: Sequence[FollowUp] = (), tasks: Sequence[Task] = ()
) -> None:
    """Store leads, follow-ups and tasks."""
    for lead in leads:
        work.leads.add(lead)
    for follow_up in follow_ups:
        work.follow_ups.add(follow_up)
    for task in tasks:
        work.tasks.add(task)


def tell(work: UnitOfWork, number: int, lead: int) -> None:
    """Add an entry to the timeline of a lead."""
    entry = TimelineEntry(
        id=an_id(number), lead_id=an_id(lead), type=EventType.LEAD_NOTE_ADDED, at=NOON, actor="x", data={}
    )
    work.timeline.add([entry])


class CalendarStoreContract(StoreContract):
    """See `StoreContract`."""

    @pytest.mark.parametrize("name", [None, "Формы", "👩🏽\u200d💻", "'\"\\; --", "n" * 100])
    def test_finds_a_calendar_by_its_digest(self, database: RunningDatabase, name: str | None) -> None:
        calendar = replace(a_calendar(), name=name, revoked_at=LATER)
        database.write(add, calendar, a_calendar(2))

        assert repr(database.read(find_by_digest, calendar.digest)) == repr(calendar)
        for other in (digest("3"), calendar.digest.upper(), ""):
            assert database.read(find_by_digest, other) is None

    def test_gets_a_calendar_by_its_id(self, database: RunningDatabase) -> None:
        database.write(add, a_calendar(1), a_calendar(2))

        assert database.read(get, CalendarId(an_id(2))) == a_calendar(2)
        with pytest.raises(NotFound) as missing:
            database.read(get, CalendarId(an_id(3)))
        assert (missing.value.kind, missing.value.id) == ("calendar", an_id(3))

    @pytest.mark.parametrize("size", [1, 2, 5, 6])
    def test_lists_every_calendar_page_by_page(self, database: RunningDatabase, size: int) -> None:
        assert list(database.read(page, None, size).items) == []
        same_time = (replace(a_calendar(number), created_at=LATER) for number in (3, 4, 5))
        calendars = [a_calendar(1), replace(a_calendar(2), revoked_at=LATER), *same_time]
        database.write(add, *reversed(calendars))

        assert all_pages(lambda after: database.read(page, after, size), size=size) == calendars
        assert database.read(lambda work: work.calendars.count()) == 5

    def test_keeps_the_time_of_the_first_revocation(self, database: RunningDatabase) -> None:
        database.write(add, a_calendar(1), a_calendar(2))
        for at in (LATER, LATER - SECOND, LATER + SECOND):
            database.write(revoke, a_calendar().id, at)

        assert list(database.read(page).items) == [replace(a_calendar(), revoked_at=LATER), a_calendar(2)]

    def test_revokes_no_unknown_calendar(self, database: RunningDatabase) -> None:
        database.write(add, a_calendar(1))

        with pytest.raises(NotFound) as missing:
            database.write(revoke, CalendarId(an_id(2)), LATER)
        assert (missing.value.kind, missing.value.id) == ("calendar", an_id(2))
        assert list(database.read(page).items) == [a_calendar(1)]

    def test_a_scheduled_follow_up_is_an_entry_of_the_owner(self, database: RunningDatabase) -> None:
        follow_up = follow_up_of(3, message="Hello!\n" + "é" * 10_000, channel="mail", created_at=NOON - SECOND)
        database.write(store, [lead_of(1, updated_at=LATER)], [follow_up])

        [entry] = database.read(entries)
        assert entry == CalendarEntry(
            id=an_id(3),
            lead_name="Lead 1",
            text=follow_up.message[:ENTRY_TEXT_MAX],
            due_at=follow_up.due_at,
            created_at=NOON - SECOND,
            changed_at=LATER,
            sequence=entry.sequence,
            channel="mail",
            recipient="lead",
        )
        assert list(database.read(entries, NOAH.key)) == []

    def test_an_open_task_is_an_entry_of_its_assignee(self, database: RunningDatabase) -> None:
        task = task_of(3, text="é" * 1_000, assignee=NOAH, created_at=NOON - SECOND, updated_at=LATER)
        database.write(store, [lead_of(1)], [], [task])

        [entry] = database.read(entries, NOAH.key)
        assert entry == CalendarEntry(
            id=an_id(3),
            lead_name="Lead 1",
            text=task.text,
            due_at=task.due_at,
            created_at=NOON - SECOND,
            changed_at=LATER,
            sequence=entry.sequence,
        )
        assert list(database.read(entries, MIA.key)) == []

    def test_tasks_that_are_not_open_and_reminders_are_no_entries(self, database: RunningDatabase) -> None:
        done = task_of(1, state=TaskState.DONE, outcome="Won", done_at=NOON)
        others = [task_of(2, state=TaskState.CANCELLED), task_of(3, assignee=None), task_of(4)]
        reminder = follow_up_of(5, task_id=TaskId(an_id(4)))
        database.write(store, [lead_of(1)], [reminder], [done, *others])

        assert [each.id for each in database.read(entries)] == [an_id(4)]

    def test_the_last_change_of_entry_or_lead_counts(self, database: RunningDatabase) -> None:
        database.write(store, [lead_of(1)], [follow_up_of(1, updated_at=LATER)])
        assert [each.changed_at for each in database.read(entries)] == [LATER]

    def test_follow_ups_that_are_not_scheduled_or_have_another_owner_are_no_entries(
        self, database: RunningDatabase
    ) -> None:
        ended = [
            follow_up_of(1, state=FollowUpState.SENT, sent_at=NOON, next_attempt_at=None),
            follow_up_of(2, state=FollowUpState.FAILED, next_attempt_at=None),
            follow_up_of(3, state=FollowUpState.CANCELLED, next_attempt_at=None),
        ]
        of_others = [follow_up_of(number, lead_id=LeadId(an_id(number))) for number in (4, 5)]
        leads = [lead_of(1), lead_of(4, owner=NOAH), lead_of(5, owner=None)]
        database.write(store, leads, [*ended, *of_others, follow_up_of(6)])

        assert [each.id for each in database.read(entries)] == [an_id(6)]

    def test_entries_are_ordered_by_due_time_and_limited(self, database: RunningDatabase) -> None:
        same_time = [follow_up_of(number, due_at=LATER, next_attempt_at=LATER) for number in (7, 6)]
        early = follow_up_of(2, due_at=NOON - timedelta(microseconds=1))
        follow_ups = [*same_time, early, follow_up_of(4), follow_up_of(0)]
        tasks = [task_of(3), task_of(5, due_at=LATER), task_of(1, due_at=early.due_at)]
        database.write(store, [lead_of(1)], follow_ups, tasks)

        ids = [an_id(number) for number in (0, 3, 4, 5, 6, 7)]
        assert [each.id for each in database.read(entries)] == ids
        for limit in (1, 4, 6):
            assert [each.id for each in database.read(entries, limit=limit)] == ids[:limit]

    def test_the_sequence_grows_with_each_entry_in_the_timeline_of_the_lead(self, database: RunningDatabase) -> None:
        database.write(store, [lead_of(1), lead_of(2)], [follow_up_of(1), follow_up_of(2, lead_id=LeadId(an_id(2)))])
        sequences = [[each.sequence for each in database.read(entries)]]
        for number, lead in enumerate((1, 2, 1, 1), 10):
            database.write(tell, number, lead)
            sequences.append([each.sequence for each in database.read(entries)])

        first, second = ([each[index] for each in sequences] for index in (0, 1))
        assert first[0] == 0 < first[1] == first[2] < first[3] < first[4]
        assert second[0] == second[1] == 0 < second[2] == second[3] == second[4]

    def test_the_sequence_grows_when_the_lead_is_merged(self, database: RunningDatabase) -> None:
        database.write(store, [lead_of(1), lead_of(2)], [follow_up_of(1)])
        for number in (10, 11):
            database.write(tell, number, 1)
        before = database.read(entries)[0].sequence

        def merge(work: UnitOfWork) -> None:
            duplicate, target = (work.leads.get_for_update(LeadId(an_id(number))) for number in (1, 2))
            work.follow_ups.move(duplicate.id, target.id)
            work.timeline.move(duplicate.id, target.id)
            tell(work, 12, 2)

        database.write(merge)
        [entry] = database.read(entries)
        assert (entry.lead_name, entry.sequence > before) == ("Lead 2", True)
