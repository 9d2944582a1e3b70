"""Test that rules do not write again and again to a program that answers each message with a new one."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from application import Application
from builders import a_mail, a_rule, a_task_rule, an_enquiry_rule
from databases import DATABASES, RunningDatabase
from leads_domain.follow_up import FollowUp, Recipient
from leads_domain.lead import Lead
from leads_domain.notifier import Refused
from leads_domain.paging import LeadQuery
from leads_domain.submission import ProcessingOutcome

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = [
    an_enquiry_rule("To the lead"),
    an_enquiry_rule("To the owner", recipient=Recipient.OWNER),
    a_task_rule(None, "Call"),
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[RunningDatabase]:
    """Return a database in memory."""
    with DATABASES["memory"](tmp_path) as database:
        yield database


def write(app: Application) -> Lead:
    """Process a message with a subject of its own, and return the lead."""
    at = app.clock.now().isoformat()
    processed = app.process_mail(a_mail(message_id=f"{at}@mail.example", date=at, subject=f"Ticket of {at}"))
    assert processed.outcome is ProcessingOutcome.ENQUIRY
    [lead] = app.database.read(lambda work: work.leads.page(LeadQuery())).items
    return lead


def messages(app: Application, lead: Lead) -> Sequence[str]:
    """Return the messages of all follow-ups."""
    return sorted(each.message for each in app.follow_ups(lead))


def send(app: Application) -> Sequence[FollowUp]:
    """Send what is due, and return it."""
    claimed = app.claim()
    assert all(app.record(each) for each in claimed)
    return [each.item for each in claimed]


def test_a_program_that_answers_each_message_gets_one_a_day(database: RunningDatabase) -> None:
    app = Application(database, RULES)
    lead = write(app)
    for _ in range(23):
        app.clock.advance(HOUR)
        if any(each.recipient == Recipient.LEAD for each in send(app)):
            app.clock.advance(MINUTE)
            lead = write(app)
    assert messages(app, lead) == ["Ada Muster: Call"] * 2 + ["To the lead"] + ["To the owner"] * 2

    app.clock.advance(DAY)
    write(app)
    assert messages(app, lead).count("To the lead") == 2


def test_the_period_starts_with_the_last_attempt(database: RunningDatabase) -> None:
    app = Application(database, [an_enquiry_rule("Later", after=2 * DAY)])
    lead = write(app)
    app.clock.advance(2 * DAY)
    send(app)
    app.clock.advance(DAY - MINUTE)
    write(app)
    assert messages(app, lead) == ["Later"]
    app.clock.advance(MINUTE)
    write(app)
    assert messages(app, lead) == ["Later"] * 2


@pytest.mark.parametrize("end", ["in progress", "failed", "cancelled"])
def test_an_attempt_that_was_not_recorded_as_sent_counts(database: RunningDatabase, end: str) -> None:
    app = Application(database, [an_enquiry_rule("Later", after=2 * DAY)])
    lead = write(app)
    app.clock.advance(2 * DAY)
    [claimed] = app.claim()
    if end == "failed":
        app.record(claimed, Refused("The connection was lost after the message."))
    if end == "cancelled":
        app.cancel(claimed.item)
    write(app)
    assert messages(app, lead) == ["Later"]


def test_a_message_of_a_status_counts_when_it_is_sent(database: RunningDatabase) -> None:
    app = Application(database, [a_rule(text="Welcome", after=2 * DAY), an_enquiry_rule("Thanks", after=HOUR)])
    lead = write(app)
    assert messages(app, lead) == ["Thanks", "Welcome"]
    app.clock.advance(HOUR)
    send(app)
    app.clock.advance(2 * DAY - HOUR)
    send(app)
    write(app)
    assert messages(app, lead) == ["Thanks", "Welcome"]


def test_what_people_have_scheduled_and_messages_to_colleagues_do_not_count(database: RunningDatabase) -> None:
    app = Application(database, [an_enquiry_rule("Thanks"), an_enquiry_rule("Look", recipient=Recipient.OWNER)])
    lead = app.register(email="ada@example.com").lead
    app.trigger(lead, message="Your quote")
    send(app)
    write(app)
    assert messages(app, lead) == ["Look", "Thanks", "Your quote"]


def test_other_enquiries_start_all_rules(database: RunningDatabase) -> None:
    app = Application(database, [an_enquiry_rule("Thanks")])
    lead = write(app)
    app.enquire(email="ada@example.com")
    app.process(app.receive(content={"email": "ada@example.com"}))
    assert messages(app, lead) == ["Thanks"] * 3
