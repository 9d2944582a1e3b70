"""Test how calendars are created, revoked and read."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from application import Application
from builders import NOON, a_task, an_email, an_id
from leads_domain.access import digest
from leads_domain.calendar import Calendar, CalendarEntry, CalendarId
from leads_domain.errors import NotFound, ValidationFailed
from leads_domain.ports import UnitOfWork
from leads_domain.task import TaskId
from leads_domain.use_cases.manage_calendars import ENTRIES_MAX, CalendarInput, find_calendar

MIA = "mia@example.com"
HOUR = timedelta(hours=1)


def create(app: Application, **values: str | None) -> tuple[Calendar, str]:
    """Create a calendar of Mia."""
    return app.database.write(app.create_calendar, cast(CalendarInput, {"owner": MIA, **values}))


def test_only_the_digest_of_the_secret_is_stored(app: Application) -> None:
    calendar, secret = create(app, owner=" Mia@Example.com ", name=" My tasks ")

    assert calendar == Calendar(
        id=calendar.id, owner=an_email("Mia@Example.com"), name="My tasks", digest=digest(secret), created_at=NOON
    )
    assert app.database.read(lambda work: work.calendars.get(calendar.id)) == calendar
    assert app.database.read(find_calendar, secret) == calendar


def test_a_secret_has_256_random_bits_and_fits_into_a_url(app: Application) -> None:
    secrets = [create(app)[1] for _ in range(300)]  # the entropy of the tests draws each byte
    assert len({*secrets}) >= 256
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


@pytest.mark.parametrize("name", [None, "", "  "])
def test_a_name_is_optional(app: Application, name: str | None) -> None:
    assert create(app, name=name)[0].name is None


@pytest.mark.parametrize("name", ["n" * 101, "a\0b", "\ud800", "a\nb", "a\u202eb"])
@pytest.mark.parametrize("owner", ["", "Mia", "mia@"])
def test_all_errors_of_a_calendar_are_reported(app: Application, owner: str, name: str) -> None:
    with pytest.raises(ValidationFailed) as invalid:
        create(app, owner=owner, name=name)
    assert {error.pointer for error in invalid.value.errors} == {"/owner", "/name"}
    assert app.database.read(lambda work: work.calendars.count()) == 0


def test_a_calendar_needs_an_owner(app: Application) -> None:
    with pytest.raises(ValidationFailed) as invalid:
        app.database.write(app.create_calendar, CalendarInput(name="Mine"))
    assert [error.pointer for error in invalid.value.errors] == ["/owner"]


@pytest.mark.parametrize("secret", ["", "x", "é", "\ud800", "a" * 10_000])
def test_an_unknown_secret_finds_nothing(app: Application, secret: str) -> None:
    calendar, own = create(app)
    for other in (secret, own[:-1], own.swapcase(), calendar.id, calendar.digest):
        assert app.database.read(find_calendar, other) is None


def test_a_revoked_calendar_is_not_found(app: Application) -> None:
    (calendar, secret), (other, others_secret) = create(app), create(app)
    app.clock.advance(HOUR)
    app.database.write(app.revoke_calendar, calendar.id)
    app.clock.advance(HOUR)
    app.database.write(app.revoke_calendar, calendar.id)

    assert app.database.read(find_calendar, secret) is None
    assert app.database.read(find_calendar, others_secret) == other
    assert app.database.read(lambda work: work.calendars.get(calendar.id)).revoked_at == NOON + HOUR


def test_a_calendar_is_not_revoked_before_it_was_created(app: Application) -> None:
    calendar, _ = create(app)
    app.clock.advance(-HOUR)
    app.database.write(app.revoke_calendar, calendar.id)
    assert app.database.read(lambda work: work.calendars.get(calendar.id)).revoked_at == NOON


def test_an_unknown_calendar_cannot_be_revoked(app: Application) -> None:
    with pytest.raises(NotFound):
        app.database.write(app.revoke_calendar, CalendarId(an_id(9)))


def read(app: Application, calendar: Calendar) -> Sequence[CalendarEntry]:
    """Return the entries of a calendar."""
    return app.database.read(app.read_calendar, calendar)


def test_a_calendar_shows_the_last_thirty_days_and_all_that_is_to_come(app: Application) -> None:
    lead = app.register().lead

    def add(work: UnitOfWork) -> None:
        for number, due_at in enumerate((timedelta(days=-30), timedelta(days=-30, microseconds=-1), timedelta(9999))):
            work.tasks.add(a_task(id=TaskId(an_id(number)), lead_id=lead.id, due_at=NOON + due_at))

    app.database.write(add)
    calendar, _ = create(app)
    assert [entry.id for entry in read(app, calendar)] == [an_id(0), an_id(2)]


def test_a_calendar_has_a_limit(app: Application) -> None:
    lead = app.register().lead

    def add(work: UnitOfWork) -> None:
        for number in range(ENTRIES_MAX + 1):
            work.tasks.add(a_task(id=TaskId(an_id(number)), lead_id=lead.id))

    app.database.write(add)
    calendar, _ = create(app)
    assert [entry.id for entry in read(app, calendar)] == [an_id(number) for number in range(ENTRIES_MAX)]


def test_the_owner_of_a_lead_sees_its_messages_and_no_reminder(app: Application) -> None:
    lead = app.register(owner=MIA).lead
    message = app.trigger(lead, message="Hello!", due_at=NOON + HOUR)
    calendar, _ = create(app)
    [entry] = read(app, calendar)
    assert (entry.id, entry.text, entry.recipient) == (message.id, "Hello!", "lead")

    app.change(lead, owner="noah@example.com")
    assert read(app, calendar) == []


def test_the_sequence_of_a_task_grows_until_the_task_disappears(app: Application) -> None:
    lead = app.register(owner=MIA).lead
    task = app.create_task(lead)
    calendar, _ = create(app)
    seen = [read(app, calendar)[0]]
    for changes in ({"due_at": NOON + HOUR}, {"text": "Call again"}):
        app.change_task(task, **changes)
        seen += read(app, calendar)
    assert [(each.text, each.due_at) for each in seen] == [
        ("Call about the quote", NOON),
        ("Call about the quote", NOON + HOUR),
        ("Call again", NOON + HOUR),
    ]
    assert seen[0].sequence < seen[1].sequence < seen[2].sequence

    app.change_task(task, assignee="noah@example.com")
    assert read(app, calendar) == []
    app.change_task(task, assignee=MIA)
    app.complete_task(task, next={"text": "Send the offer", "due_at": NOON + 2 * HOUR})
    assert [each.text for each in read(app, calendar)] == ["Send the offer"]


def test_the_sequence_of_a_message_grows_with_each_change(app: Application) -> None:
    lead = app.register(owner=MIA).lead
    message = app.trigger(lead, message="Hello!", due_at=NOON + HOUR)
    calendar, _ = create(app)
    seen = [read(app, calendar)[0]]
    for change in (
        lambda: app.reschedule(message, due_at=NOON + 2 * HOUR),
        lambda: app.reschedule(message, message="Hi!"),
        lambda: app.change(lead, name="Jane Roe"),
        lambda: app.merge(app.register(email="jane@example.com", owner=MIA).lead, lead),
    ):
        change()
        seen += read(app, calendar)
    assert len({each.id for each in seen}) == 1
    sequences = [each.sequence for each in seen]
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 5
