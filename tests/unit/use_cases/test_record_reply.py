"""Test replies to messages of ours."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from application import Application
from builders import NOON, a_digest, a_mail, a_rule, an_email, an_enquiry_rule
from databases import DATABASES
from leads_domain.digest import DigestId
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUp, FollowUpState, Recipient
from leads_domain.incoming_mail import IncomingMail, Mailbox
from leads_domain.lead import Lead
from leads_domain.mailbox_policy import MailboxPolicy
from leads_domain.submission import ProcessingOutcome, SubmissionState
from leads_domain.use_cases.process_mail import COLLEAGUE, UNKNOWN_STOP

DAY = timedelta(days=1)
OWNER = "mia@example.com"
RULES = [
    a_rule(text="First", after=timedelta(minutes=1)),
    a_rule(text="Second", after=2 * DAY),
    a_rule(text="Call", after=3 * DAY, recipient=Recipient.OWNER),
    a_rule(text="Visit", after=4 * DAY, makes_task=True),
    an_enquiry_rule("Thanks", after=5 * DAY),
]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """Return an application with rules, in memory."""
    with DATABASES["memory"](tmp_path) as database:
        yield Application(database, RULES)


@pytest.fixture
def lead(app: Application) -> Lead:
    """Return a lead with follow-ups of all rules, of which the first was sent, and one that a client has scheduled."""
    lead = app.enquire(email="ada@example.com", owner=OWNER).lead
    app.trigger(lead, due_at=NOON + 6 * DAY, message="Requested")
    app.clock.advance(timedelta(minutes=1))
    for claimed in app.claim():
        app.record(claimed)
    return app.lead(lead)


def a_reply(*answered: FollowUp, **fields: object) -> IncomingMail:
    """Return a reply to these follow-ups."""
    references = ("other@mail.example", *(f"{each.id.upper()}@example.net" for each in answered))
    return a_mail(subject="Re: Your quote", text="Yes, please!", references=references, **fields)


def by_message(app: Application, lead: Lead) -> dict[str, FollowUp]:
    """Return the follow-ups of a lead by their message."""
    return {each.message.removeprefix("ada@example.com: "): each for each in app.follow_ups(lead)}


def states(app: Application, lead: Lead) -> dict[str, str]:
    """Return the states of the follow-ups of a lead by their message."""
    return {message: each.state.value for message, each in by_message(app, lead).items()}


UNCHANGED = {
    "First": "sent",
    "Second": "scheduled",
    "Call": "scheduled",
    "Visit": "scheduled",
    "Thanks": "scheduled",
    "Requested": "scheduled",
}
AFTER_A_REPLY = {**UNCHANGED, "Second": "cancelled", "Thanks": "cancelled"}


def test_a_reply_cancels_the_messages_to_the_lead_that_rules_have_scheduled(app: Application, lead: Lead) -> None:
    before, entries = app.follow_ups(lead), len(app.timeline(lead))
    sent = by_message(app, lead)["First"]
    processed = app.process_mail(a_reply(sent, attachments=("plan.pdf",)))

    assert (processed.outcome, processed.submission.state) == (ProcessingOutcome.REPLY, SubmissionState.ACCEPTED)
    assert processed.submission.lead_id == lead.id
    assert states(app, lead) == AFTER_A_REPLY
    assert len(app.follow_ups(lead)) == len(before)
    *cancelled, replied = app.timeline(lead)[: len(app.timeline(lead)) - entries]
    assert [each.type for each in cancelled] == [EventType.FOLLOW_UP_CANCELLED] * 2
    assert (replied.type, replied.actor) == (EventType.LEAD_REPLIED, "mailbox:sales")
    assert replied.data == {
        "follow_up_id": sent.id,
        "from": "ada@example.com",
        "subject": "Re: Your quote",
        "message": "Yes, please!",
        "attachments": ["plan.pdf"],
    }


ENCRYPTED = "The message is encrypted."


@pytest.mark.parametrize(
    ("fields", "sender", "message"),
    [
        ({"broken": ENCRYPTED, "text": ""}, "ada@example.com", ENCRYPTED),
        ({"broken": ENCRYPTED}, "ada@example.com", f"{ENCRYPTED}\n\nYes, please!"),
        ({"senders": ()}, None, "Yes, please!"),
    ],
)
def test_a_reply_that_cannot_be_read_is_one(
    app: Application, lead: Lead, fields: dict[str, Any], sender: str | None, message: str
) -> None:
    processed = app.process_mail(replace(a_reply(by_message(app, lead)["First"]), **fields))
    assert (processed.outcome, processed.submission.lead_id) == (ProcessingOutcome.REPLY, lead.id)
    assert states(app, lead) == AFTER_A_REPLY
    data = app.timeline(lead)[2].data
    assert (data["from"], data["message"]) == (sender, message)


def test_a_broken_answer_of_a_colleague_is_no_reply_of_the_lead(app: Application, lead: Lead) -> None:
    sender = Mailbox(address=OWNER)
    processed = app.process_mail(a_reply(by_message(app, lead)["Call"], broken=ENCRYPTED, senders=(sender,)))
    assert (processed.submission.reason, states(app, lead)) == (COLLEAGUE, UNCHANGED)


def test_an_automatic_reply_that_cannot_be_read_changes_nothing(app: Application, lead: Lead) -> None:
    app.process_mail(a_reply(by_message(app, lead)["First"], broken=ENCRYPTED, automatic="It says so."))
    assert states(app, lead) == UNCHANGED


def test_a_reply_updates_the_next_due_time(app: Application) -> None:
    lead = app.enquire(email="ada@example.com", owner=OWNER).lead
    first = by_message(app, lead)["First"]
    app.process_mail(a_reply(first))
    changed = app.lead(lead)
    assert (lead.next_follow_up_at, changed.next_follow_up_at) == (first.due_at, NOON + 3 * DAY)
    assert changed.version == lead.version + 1


def test_a_reply_cancels_nothing_in_a_mailbox_that_says_so(app: Application, lead: Lead) -> None:
    app.mailboxes["mailbox:sales"] = MailboxPolicy(stop_on_reply=False)
    app.process_mail(a_reply(by_message(app, lead)["First"]))
    assert states(app, lead) == UNCHANGED
    assert app.event_types(lead)[-1] == "lead.replied"
    assert app.lead(lead) == lead


def test_a_reply_belongs_to_the_lead_whatever_its_sender(app: Application, lead: Lead) -> None:
    mail = a_reply(by_message(app, lead)["First"], senders=(Mailbox(address="ada@home.example.org"),))
    assert app.process_mail(mail).submission.lead_id == lead.id
    assert app.timeline(lead)[2].data["from"] == "ada@home.example.org"


def test_a_reply_belongs_to_the_survivor_of_a_merge(app: Application, lead: Lead) -> None:
    sent = by_message(app, lead)["First"]
    survivor = app.register(email="ada@example.org").lead
    app.merge(survivor, lead)
    assert app.process_mail(a_reply(sent)).submission.lead_id == survivor.id
    assert "lead.replied" in app.event_types(survivor)


@pytest.mark.parametrize("stop_on_reply", [True, False])
def test_a_reply_that_asks_to_stop_opts_the_lead_out(app: Application, lead: Lead, stop_on_reply: bool) -> None:
    app.mailboxes["mailbox:sales"] = MailboxPolicy(stop_on_reply=stop_on_reply)
    mail = replace(a_reply(by_message(app, lead)["First"]), text="STOP!\n\n> Hello Ada")
    processed = app.process_mail(mail)

    assert (processed.outcome, processed.submission.lead_id) == (ProcessingOutcome.OPT_OUT, lead.id)
    assert states(app, lead) == {**AFTER_A_REPLY, "Requested": "cancelled"}
    changed = app.lead(lead)
    assert (changed.do_not_contact, changed.version) == (True, lead.version + 1)
    assert changed.next_follow_up_at == NOON + 3 * DAY
    types = app.event_types(lead)[-5:]
    assert types == ["lead.replied", "lead.opted_out", *["follow_up.cancelled"] * 3]
    assert app.timeline(lead)[3].data == {"way": "reply"}

    entries = len(app.timeline(lead))
    app.process_mail(replace(mail, message_id="2@mail.example", subject="Again"))
    assert app.event_types(lead)[entries:] == ["lead.replied"]
    assert app.lead(lead) == changed


def test_a_new_message_of_a_lead_that_asks_to_stop_opts_it_out(app: Application, lead: Lead) -> None:
    app.process_mail(a_mail(text="Unsubscribe"))
    assert app.lead(lead).do_not_contact
    assert app.event_types(lead).count("lead.enquired") == 1  # that of the fixture
    [replied] = [each for each in app.timeline(lead) if each.type is EventType.LEAD_REPLIED]
    assert replied.data["follow_up_id"] is None


def test_a_subject_that_asks_to_stop_counts_without_a_text(app: Application, lead: Lead) -> None:
    processed = app.process_mail(a_mail(subject="unsubscribe", text=""))
    assert (processed.outcome, processed.submission.lead_id) == (ProcessingOutcome.OPT_OUT, lead.id)


def test_a_stranger_who_asks_to_stop_waits_for_a_person(app: Application) -> None:
    processed = app.process_mail(a_mail(text="STOP"))
    assert (processed.submission.state, processed.submission.reason) == (SubmissionState.NEEDS_REVIEW, UNKNOWN_STOP)
    assert processed.outcome is ProcessingOutcome.NEEDS_REVIEW


def test_an_automatic_message_opts_no_one_out(app: Application, lead: Lead) -> None:
    app.process_mail(a_mail(text="STOP", automatic="It says so."))
    assert not app.lead(lead).do_not_contact


def test_after_an_erasure_a_reply_is_an_enquiry(app: Application, lead: Lead) -> None:
    sent = by_message(app, lead)["First"]
    app.erase(lead)
    processed = app.process_mail(a_reply(sent))
    assert processed.outcome is ProcessingOutcome.ENQUIRY
    assert processed.submission.lead_id != lead.id


def test_a_message_with_other_references_is_an_enquiry(app: Application, lead: Lead) -> None:
    processed = app.process_mail(a_mail(references=("1@mail.example", f"{lead.id}@example.net")))
    assert (processed.outcome, processed.submission.lead_id) == (ProcessingOutcome.ENQUIRY, lead.id)


@pytest.mark.parametrize("answered", ["First", "Second", "Call"])
def test_an_automatic_reply_to_a_message_of_ours_changes_nothing(app: Application, lead: Lead, answered: str) -> None:
    timeline = app.timeline(lead)
    processed = app.process_mail(a_reply(by_message(app, lead)[answered], automatic="It is an automatic reply."))
    assert (processed.outcome, processed.submission.lead_id) == (ProcessingOutcome.IGNORED, None)
    assert (states(app, lead), app.timeline(lead), app.lead(lead)) == (UNCHANGED, timeline, lead)


@pytest.mark.parametrize("answered", ["First", "Call", "Visit"])
def test_the_answer_of_a_colleague_is_no_reply_of_the_lead(app: Application, lead: Lead, answered: str) -> None:
    app.change(lead, owner=None)
    if answered != "Visit":  # the reminder of a task has its own recipient
        app.change(lead, owner=OWNER)
    timeline = app.timeline(lead)
    mail = a_reply(by_message(app, lead)[answered], senders=(Mailbox(address=OWNER.title()),))
    processed = app.process_mail(mail)
    assert (processed.submission.state, processed.submission.reason) == (SubmissionState.IGNORED, COLLEAGUE)
    assert (states(app, lead), app.timeline(lead)) == (UNCHANGED, timeline)


@pytest.mark.parametrize("answered", ["Call", "Visit"])
def test_a_former_owner_who_answers_a_message_to_a_colleague_is_one(
    app: Application, lead: Lead, answered: str
) -> None:
    app.change(lead, owner="new@example.com")
    timeline = app.timeline(lead)
    processed = app.process_mail(a_reply(by_message(app, lead)[answered], senders=(Mailbox(address=OWNER),)))
    assert (processed.submission.state, processed.submission.reason) == (SubmissionState.IGNORED, COLLEAGUE)
    assert (states(app, lead), app.timeline(lead)) == (UNCHANGED, timeline)


def test_a_lead_that_answers_a_message_to_a_colleague_has_replied(app: Application, lead: Lead) -> None:
    assert app.process_mail(a_reply(by_message(app, lead)["Call"])).outcome is ProcessingOutcome.REPLY


def test_a_lead_that_owns_itself_replies(app: Application, lead: Lead) -> None:
    app.change(lead, owner="ada@example.com")
    assert app.process_mail(a_reply(by_message(app, lead)["First"])).outcome is ProcessingOutcome.REPLY


def test_the_answer_to_a_digest_is_ignored(app: Application) -> None:
    digest = a_digest(id=DigestId(app.ids.new()), recipient=an_email(OWNER))
    app.database.write(lambda work: work.digests.plan(NOON, [digest]))
    mail = a_mail(senders=(Mailbox(address=OWNER),), references=(f"{digest.id}@example.net",))
    assert app.process_mail(mail).submission.reason == COLLEAGUE


def test_a_reply_during_an_attempt_cancels_the_message(app: Application, lead: Lead) -> None:
    app.clock.advance(2 * DAY)
    [claimed] = app.claim()
    app.process_mail(a_reply(by_message(app, lead)["First"]))
    assert not app.record(claimed)
    assert by_message(app, lead)["Second"].state is FollowUpState.CANCELLED


def test_replies_are_erased_exported_and_moved_with_their_lead(app: Application, lead: Lead) -> None:
    submission = app.process_mail(a_reply(by_message(app, lead)["First"])).submission
    data = app.personal_data(lead)
    assert [each.id for each in data.submissions] == [submission.id]
    assert EventType.LEAD_REPLIED in [each.type for each in data.timeline]
    app.erase(lead)
    assert [each.type for each in app.timeline(lead)] == [EventType.LEAD_ERASED]
