"""Test what a digest says."""

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application import Application
from builders import a_follow_up, a_lead, a_task, an_email, an_id
from databases import memory_database
from leads_domain.control_characters import CONTROL
from leads_domain.digest_schedule import DigestSchedule, end_of_day
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.notifier import Refused
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.compose_digest import ComposeDigest
from leads_domain.use_cases.find_agenda import RECENTLY
from strategies import texts

BERLIN = ZoneInfo("Europe/Berlin")
SCHEDULE = DigestSchedule(zone=BERLIN, days=frozenset(range(7)), at=time(8))
MORNING = datetime(2026, 1, 5, 8, tzinfo=BERLIN)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MIA = "mia@example.com"
LINE = re.compile(r"- \d{4}-\d\d-\d\d \d\d:\d\d .*|  .+|and \d+ more|.+ \(\d+\):|All times are in Europe/Berlin\.|")


class Office:
    """An application at 08:00 in Berlin."""

    def __init__(self, app: Application) -> None:
        self.app = app
        app.clock.time = MORNING

    def lead(self, name: str = "Ada Muster", owner: str | None = MIA) -> Lead:
        """Register a lead."""
        return self.app.register(name=name, email=f"{self.app.ids.new()}@example.com", owner=owner).lead

    def task(self, lead: Lead, due_at: datetime, text: str = "Call about the quote", assignee: str = MIA) -> None:
        """Create a task."""
        self.app.create_task(lead, text=text, due_at=due_at, assignee=assignee, remind=False)

    def fail(self, lead: Lead, message: str = "Hello Ada", error: str = "No such mailbox.") -> None:
        """Let a follow-up of the lead fail."""
        self.app.trigger(lead, message=message)
        (claimed,) = self.app.claim()
        self.app.record(claimed, Refused(error))

    def compose(self, public_url: str | None = None, key: str = MIA) -> tuple[str, str]:
        """Return subject and message of Mia's digest; empty texts if she gets none."""
        compose = ComposeDigest(SCHEDULE, public_url)
        return self.app.database.read(compose, key, self.app.clock.now()) or ("", "")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with memory_database(tmp_path) as database:
        yield Office(Application(database))


def test_a_digest_lists_tasks_and_failed_follow_ups_with_local_times(office: Office) -> None:
    ada, bob = office.lead(), office.lead("Bob Beispiel")
    office.fail(bob, "Hello Bob,\nshall we talk?", "The mail server refused the message with 550 5.7.1.")
    office.app.clock.advance(HOUR)
    office.task(ada, MORNING - 3 * DAY)
    office.task(bob, MORNING - DAY, "Send the offer to Bob Beispiel\nand call him")
    office.task(ada, MORNING + 10 * HOUR, "Meet for lunch")

    assert office.compose() == (
        "2 tasks overdue, 1 due today, 1 follow-up failed",
        """Overdue (2):
- 2026-01-02 08:00 Ada Muster: Call about the quote
- 2026-01-04 08:00 Send the offer to Bob Beispiel

Due today (1):
- 2026-01-05 18:00 Ada Muster: Meet for lunch

Follow-ups that failed in the last 7 days (1):
- 2026-01-05 08:00 Bob Beispiel: Hello Bob,
  The mail server refused the message with 550 5.7.1.

All times are in Europe/Berlin.""",
    )


def test_entries_link_to_their_lead_if_the_url_is_known(office: Office) -> None:
    ada = office.lead()
    office.task(ada, MORNING)
    _, message = office.compose("https://leads.example.com/tools")
    assert f"Call about the quote\n  https://leads.example.com/tools/leads/{ada.id}\n" in message


@pytest.mark.parametrize(
    ("overdue", "today", "failed", "subject"),
    [
        (1, 0, 0, "1 task overdue"),
        (0, 1, 0, "1 task due today"),
        (0, 2, 0, "2 tasks due today"),
        (3, 2, 0, "3 tasks overdue, 2 due today"),
        (0, 0, 2, "2 follow-ups failed"),
    ],
)
def test_the_subject_counts(office: Office, overdue: int, today: int, failed: int, subject: str) -> None:
    ada = office.lead()
    for due_at in [MORNING - MINUTE] * overdue + [MORNING] * today:
        office.task(ada, due_at)
    for _ in range(failed):
        office.fail(ada)
    assert office.compose()[0] == subject


def test_only_what_concerns_the_colleague_today_is_listed(office: Office) -> None:
    ada = office.lead(owner="noah@example.com")
    office.task(ada, end_of_day(MORNING, SCHEDULE.zone))
    office.task(ada, MORNING, assignee="noah@example.com")
    office.fail(ada)
    assert office.compose() == ("", "")
    assert office.compose(key="noah@example.com")[0] == "1 task due today, 1 follow-up failed"


def test_a_failure_is_listed_for_a_week(office: Office) -> None:
    office.fail(office.lead())
    office.app.clock.advance(RECENTLY)
    assert office.compose()[0] == "1 follow-up failed"
    office.app.clock.advance(timedelta(microseconds=1))
    assert office.compose() == ("", "")


def test_a_long_list_is_cut_and_says_how_many_are_missing(office: Office) -> None:
    ada = office.lead()
    for number in range(70):
        office.task(ada, MORNING - DAY + number * MINUTE, f"Task {number}")
    _, message = office.compose("https://leads.example.com")
    lines = message.splitlines()
    shown = sum(line.startswith("- ") for line in lines)

    assert lines[0] == "Overdue (70):"
    assert f"and {70 - shown} more" in lines
    assert 15 < shown < 70


@given(
    name=texts(1, 200),
    text=texts(1, 1000),
    error=texts(0, 1000),
    number=st.sampled_from([1, 60]),
    url=st.none() | st.just("https://leads.example.com"),
)
def test_no_text_breaks_a_line_or_the_size(name: str, text: str, error: str, number: int, url: str | None) -> None:
    """Compose from texts that no use case would have stored."""

    def compose(work: UnitOfWork) -> tuple[str, str]:
        work.leads.add(a_lead(name=name, owner=an_email(MIA)))
        for each in range(number):
            id, at = an_id(100 + each), MORNING - each * MINUTE
            work.tasks.add(a_task(id=id, text=text, due_at=at))
            work.tasks.add(a_task(id=an_id(500 + each), text=text, due_at=MORNING + each * MINUTE))
            failed = {"state": FollowUpState.FAILED, "next_attempt_at": None, "last_error": error}
            work.follow_ups.add(a_follow_up(id=id, message=text, updated_at=at, **failed))
        return ComposeDigest(SCHEDULE, url)(work, MIA, MORNING) or ("", "")

    with memory_database(Path()) as database:
        subject, message = database.write(compose)

    assert subject
    assert len(message) < 10_000
    assert not CONTROL.search(message.replace("\n", ""))
    assert [line for line in message.split("\n") if not LINE.fullmatch(line)] == []


def test_a_lead_that_was_removed_meanwhile_is_not_listed(office: Office) -> None:
    ada, bob = office.lead("Ada Muster"), office.lead("Bob")
    office.task(ada, MORNING - DAY)
    office.task(bob, MORNING - DAY)
    # As a process sees it that has read the tasks before another process merges the lead.
    office.app.database.write(lambda work: work.leads.erase(ada.id))

    _, message = office.compose()
    assert "Ada" not in message
    assert "Bob: Call about the quote" in message
