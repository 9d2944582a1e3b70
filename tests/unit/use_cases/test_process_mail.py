"""Test how messages are processed, apart from replies."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application import Application
from builders import a_mail, an_enquiry_rule, an_id
from databases import DATABASES
from leads_domain.errors import ValidationFailed
from leads_domain.events import EventType
from leads_domain.incoming_mail import DeliveryReport, IncomingMail, Mailbox, ReportedFailure
from leads_domain.lead import Lead
from leads_domain.mailbox_policy import MailboxPolicy
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, LeadQuery
from leads_domain.submission import ProcessingOutcome, SubmissionState
from leads_domain.use_cases.process_mail import LOOP, NO_FAILURE, NO_SENDER, UNKNOWN_REPORT

SHOP = Mailbox(address="sales@example.net")
POLICY = MailboxPolicy(own_addresses={"sales@example.net"})
FAILURE = ReportedFailure(recipient=None, status="5.1.1", is_permanent=True)
AUTOMATIC = "It was sent automatically (Auto-Submitted: auto-replied)."


def leads(app: Application) -> list[Lead]:
    """Return all leads."""
    return [*app.database.read(lambda work: work.leads.page(LeadQuery(limit=LIMIT_MAX))).items]


def test_a_message_becomes_an_enquiry_once(app: Application) -> None:
    app.mailboxes["mailbox:sales"] = MailboxPolicy(source="email", owner="mia@example.com")
    processed = app.process_mail(a_mail())
    repeated = app.process_mail(a_mail(), mailbox="other")

    [lead] = leads(app)
    assert (str(lead.email), lead.name, lead.source, str(lead.owner)) == (
        "ada@example.com",
        "Ada Muster",
        "email",
        "mia@example.com",
    )
    assert processed.outcome is ProcessingOutcome.ENQUIRY
    assert (processed.submission.state, processed.submission.lead_id) == (SubmissionState.ACCEPTED, lead.id)
    assert (repeated.submission, repeated.outcome) == (processed.submission, None)
    [enquiry] = [each for each in app.timeline(lead) if each.type is EventType.LEAD_ENQUIRED]
    assert (enquiry.actor, enquiry.data["message"]) == ("mailbox:sales", "Delivery\n\nDo you deliver on Saturdays?")


def test_links_make_no_spam_of_a_message(app: Application) -> None:
    processed = app.process_mail(a_mail(text="https://example.com " * 20))
    assert processed.outcome is ProcessingOutcome.ENQUIRY


def test_a_form_mailer_names_the_person_in_reply_to(app: Application) -> None:
    app.mailboxes["mailbox:sales"] = POLICY
    reply_to = (Mailbox(address="ada@example.com", name="Ada Muster"),)
    app.process_mail(a_mail(senders=(replace(SHOP, name="Website"),), reply_to=reply_to))
    assert [(str(lead.email), lead.name) for lead in leads(app)] == [("ada@example.com", "Ada Muster")]


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (a_mail(automatic=AUTOMATIC), AUTOMATIC),
        (a_mail(automatic=AUTOMATIC, broken="Its end is missing."), AUTOMATIC),
        (a_mail(automatic=AUTOMATIC, senders=()), AUTOMATIC),
        (a_mail(senders=(SHOP,)), LOOP),
        (a_mail(senders=(SHOP,), broken="Its end is missing."), LOOP),
        (a_mail(automatic=AUTOMATIC, report=DeliveryReport(message_id=None, failures=[FAILURE])), UNKNOWN_REPORT),
        (a_mail(report=DeliveryReport(message_id=f"{an_id(9)}@example.com", failures=[FAILURE])), UNKNOWN_REPORT),
        (a_mail(automatic=AUTOMATIC, report=DeliveryReport(message_id=None)), NO_FAILURE),
    ],
)
def test_automatic_messages_and_loops_are_ignored(app: Application, mail: IncomingMail, reason: str) -> None:
    app.mailboxes["mailbox:sales"] = POLICY
    processed = app.process_mail(mail)
    assert (processed.outcome, processed.submission.reason) == (ProcessingOutcome.IGNORED, reason)
    assert app.submission(processed.submission) == processed.submission
    assert processed.submission.state is SubmissionState.IGNORED
    assert leads(app) == []


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (a_mail(broken="Its headers cannot be read."), "Its headers cannot be read."),
        (a_mail(senders=()), NO_SENDER),
        (a_mail(senders=(Mailbox(address="nonsense"),), reply_to=(SHOP,)), NO_SENDER),
        (IncomingMail(broken="x" * 2000), "x" * 1000),
    ],
)
def test_a_broken_message_waits_for_a_person(app: Application, mail: IncomingMail, reason: str) -> None:
    processed = app.process_mail(mail)
    assert (processed.outcome, processed.submission.reason) == (ProcessingOutcome.NEEDS_REVIEW, reason)
    assert processed.submission.state is SubmissionState.NEEDS_REVIEW
    assert leads(app) == []


def test_what_an_enquiry_refuses_waits_for_a_person(app: Application) -> None:
    app.mailboxes["mailbox:sales"] = MailboxPolicy(owner="nobody")
    processed = app.process_mail(a_mail())
    assert processed.outcome is ProcessingOutcome.NEEDS_REVIEW
    assert processed.submission.reason
    assert leads(app) == []


def test_a_person_accepts_a_message_with_the_fields_that_win(app: Application) -> None:
    app.mailboxes["mailbox:sales"] = MailboxPolicy(source="email")
    waiting = app.process_mail(a_mail(senders=(), attachments=("a.pdf",))).submission
    with pytest.raises(ValidationFailed, match="Give an e-mail address or a phone number"):
        app.accept(waiting, name="Ada")

    accepted = app.accept(waiting, email="ada@example.com", attributes={"urgent": True})
    assert (accepted.lead.name, accepted.lead.source) == ("ada@example.com", "email")
    assert accepted.lead.attributes == {"attachments": "a.pdf", "urgent": True}
    assert accepted.enquiry.data["message"] == "Delivery\n\nDo you deliver on Saturdays?"
    assert app.submission(waiting).lead_id == accepted.lead.id


def test_a_person_accepts_an_ignored_message(app: Application) -> None:
    ignored = app.process_mail(a_mail(automatic=AUTOMATIC)).submission
    assert str(app.accept(ignored).lead.email) == "ada@example.com"


def test_an_enquiry_by_mail_starts_rules(tmp_path: Path) -> None:
    with DATABASES["memory"](tmp_path) as database:
        app = Application(database, [an_enquiry_rule()])
        app.process_mail(a_mail())
        [follow_up] = app.follow_ups(leads(app)[0])
        assert follow_up.message == "Ada Muster has written: Delivery\n\nDo you deliver on Saturdays?"


NUMBERS = st.integers(1, 3)
MAILS = st.builds(
    lambda id, date, sender, text, automatic: a_mail(
        message_id=id and f"{id}@mail.example",
        date=date and f"Mon, 05 Jan 2026 12:00:0{date} +0000",
        senders=(Mailbox(address=f"{sender}@example.com"),) if sender else (),
        text=text,
        automatic=automatic,
    ),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.sampled_from(["One", "Two", "STOP"]),
    st.sampled_from([None, None, AUTOMATIC]),
)


@given(st.lists(st.tuples(MAILS, st.none() | NUMBERS), min_size=1, max_size=8))
def test_no_sequence_of_messages_makes_two_enquiries_of_one_or_a_reaction_to_an_automatic_one(
    mails: list[tuple[IncomingMail, int | None]],
) -> None:
    """Process messages of which some answer a follow-up of ours."""
    with DATABASES["memory"](Path()) as database:
        app = Application(database, [an_enquiry_rule()])
        for written, answered in mails:
            follow_ups = app.find_follow_ups(FollowUpQuery()).items if answered else ()
            references = [f"{each.id}@example.net" for each in follow_ups[:answered]]
            mail = replace(written, references=references)
            before = contents(app)
            first = app.process_mail(mail)
            after = contents(app)
            if mail.automatic or first.outcome is None:
                assert after == before
            else:
                assert (after != before) == (first.submission.state is SubmissionState.ACCEPTED)
            for mailbox in ("sales", "other"):
                assert app.process_mail(mail, mailbox).submission.id == first.submission.id
            assert contents(app) == after


def contents(app: Application) -> object:
    """Return all leads, follow-ups and timelines."""
    all_leads = leads(app)
    follow_ups = app.find_follow_ups(FollowUpQuery(limit=LIMIT_MAX)).items
    return all_leads, follow_ups, [app.timeline(lead) for lead in all_leads]
