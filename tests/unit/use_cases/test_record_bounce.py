"""Test what reports of mail servers change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application import Application
from builders import NOON, a_mail, an_email, an_id
from leads_domain.digest import Digest, DigestId, DigestState
from leads_domain.errors import AddressBounced, ValidationFailed
from leads_domain.follow_up import FollowUp, FollowUpState
from leads_domain.incoming_mail import DeliveryReport, ReportedFailure
from leads_domain.lead import Lead
from leads_domain.notifier import TryAgain
from leads_domain.submission import ProcessingOutcome, SubmissionState
from leads_domain.use_cases.dispatch_follow_ups import BOUNCED
from leads_domain.use_cases.process_mail import DIGEST_RETURNED

ADDRESS = "john@example.com"
NO_SUCH_ADDRESS = "A mail server returned the message with 5.1.1: the address does not exist."


def sent(app: Application, lead: Lead, **values: Any) -> FollowUp:
    """Return a follow-up that a mail server has accepted."""
    follow_up = app.trigger(lead, **{"channel": "smtp", **values})
    [claimed] = app.claim(follow_up.channel)
    assert app.record(claimed)
    return app.follow_up(follow_up)


def a_report(
    follow_up: FollowUp | Digest,
    status: str | None = "5.1.1",
    *,
    permanent: bool = True,
    recipient: str | None = ADDRESS,
) -> DeliveryReport:
    """Return the report that a message was not delivered."""
    failure = ReportedFailure(recipient=recipient, status=status, is_permanent=permanent)
    return DeliveryReport(message_id=f"{follow_up.id}@example.com", failures=[failure])


def test_a_returned_message_has_failed(app: Application) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    now = app.clock.advance(timedelta(hours=1))
    processed = app.process_mail(a_mail(automatic="It is automatic.", report=a_report(follow_up)))

    failed: dict[str, Any] = {"state": FollowUpState.FAILED, "sent_at": None, "last_error": NO_SUCH_ADDRESS}
    assert app.follow_up(follow_up) == replace(follow_up, **failed, updated_at=now)
    assert processed.outcome is ProcessingOutcome.BOUNCE
    assert (processed.submission.state, processed.submission.lead_id) == (SubmissionState.ACCEPTED, lead.id)
    entry = app.timeline(lead)[0]
    assert (entry.type.value, entry.at, entry.actor) == ("follow_up.bounced", now, "mailbox:sales")
    values = {"follow_up_id": follow_up.id, "channel": "smtp", "recipient": "lead"}
    assert entry.data == {**values, "error": NO_SUCH_ADDRESS, "permanent": True}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("5.2.2", "A mail server returned the message with 5.2.2: the mailbox is full."),
        ("5.9.9", "A mail server returned the message with 5.9.9: the message was not delivered."),
        (None, "A mail server returned the message, without a code that says why."),
    ],
)
def test_a_temporary_failure_does_not_mark_the_address(app: Application, status: str | None, reason: str) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    app.bounce(a_report(follow_up, status, permanent=False))
    assert app.follow_up(follow_up).last_error == reason
    assert app.timeline(lead)[0].data["permanent"] is False
    assert app.retry(follow_up).state is FollowUpState.SCHEDULED


def test_a_second_report_changes_nothing(app: Application) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    assert app.bounce(a_report(follow_up, "5.2.2", permanent=False)) == lead.id
    before = app.lead(lead), app.follow_ups(lead), app.timeline(lead)
    app.clock.advance(timedelta(hours=1))
    assert app.bounce(a_report(follow_up)) == lead.id
    assert (app.lead(lead), app.follow_ups(lead), app.timeline(lead)) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda report: replace(report, failures=()),
        lambda report: replace(report, message_id=None),
        lambda report: replace(report, message_id=f"{an_id(999)}@example.com"),
        lambda report: replace(report, message_id="other@example.com"),
    ],
    ids=["a delay", "no message", "an unknown message", "a message of others"],
)
def test_other_reports_change_nothing(app: Application, change: Callable[[DeliveryReport], DeliveryReport]) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    assert app.bounce(change(a_report(follow_up))) is None
    assert app.follow_up(follow_up) == follow_up


def test_a_message_that_was_never_attempted_cannot_bounce(app: Application) -> None:
    lead = app.register().lead
    scheduled = app.trigger(lead, channel="smtp")
    cancelled = app.cancel(app.trigger(lead, channel="smtp"))
    for follow_up in (scheduled, cancelled):
        assert app.bounce(a_report(follow_up)) == lead.id
        assert app.follow_up(follow_up) == follow_up
    assert not app.lead(lead).email_bounced


@pytest.mark.parametrize(("permanent", "recipient"), [(True, ADDRESS), (False, ADDRESS), (True, "other@example.net")])
def test_a_message_that_was_cancelled_during_an_attempt_stays_so(
    app: Application, permanent: bool, recipient: str
) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead, channel="smtp")
    app.claim("smtp")
    cancelled, timeline = app.cancel(follow_up), app.timeline(lead)
    for _ in range(2):
        assert app.bounce(a_report(follow_up, permanent=permanent, recipient=recipient)) == lead.id
    assert app.lead(lead).email_bounced == (permanent and recipient == ADDRESS)
    assert (app.follow_up(follow_up), app.timeline(lead)) == (cancelled, timeline)


def test_a_report_can_be_faster_than_the_record_of_the_attempt(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead, channel="smtp")
    [claimed] = app.claim("smtp")
    app.bounce(a_report(follow_up))
    assert not app.record(claimed)
    assert (app.follow_up(follow_up).state, app.lead(lead).next_follow_up_at) == (FollowUpState.FAILED, None)


def test_a_message_is_not_attempted_again_after_a_report(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, channel="smtp")
    [claimed] = app.claim("smtp")
    app.record(claimed, TryAgain("The connection was lost after the message."))
    app.bounce(a_report(follow_up, "5.2.2", permanent=False))
    app.clock.time = NOON.replace(year=2027)
    assert app.claim("smtp") == []


def test_nothing_is_sent_to_an_address_that_accepts_no_mail(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    follow_up = sent(app, lead)
    scheduled = app.trigger(lead, channel="smtp", due_at=app.clock.now())
    version = app.lead(lead).version
    app.bounce(a_report(follow_up))

    assert app.lead(lead).version == version
    with pytest.raises(ValidationFailed) as refused:
        app.trigger(lead, channel="smtp")
    [error] = refused.value.errors
    assert (error.pointer, "accepts no mail" in error.detail) == ("/channel", True)
    with pytest.raises(AddressBounced, match="Change its `email`, then retry"):
        app.retry(follow_up)
    [claimed] = app.claim("smtp")
    assert (claimed.item.id, claimed.refusal) == (scheduled.id, BOUNCED)
    app.trigger(lead, channel="smtp", recipient="owner")
    app.trigger(lead, channel="log")
    assert [each.refusal for each in app.claim("smtp", "log")] == [None, None]


def test_a_new_address_ends_that(app: Application) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    app.bounce(a_report(follow_up))
    app.change(lead, email="JOHN@example.com", name="John")
    assert app.lead(lead).email_bounced
    app.change(lead, email="john.doe@example.com")
    assert not app.lead(lead).email_bounced
    app.retry(follow_up)
    [claimed] = app.claim("smtp")
    assert claimed.refusal is None


def test_the_address_of_the_lead_is_meant_in_any_letters(app: Application) -> None:
    lead = app.register().lead
    app.bounce(a_report(sent(app, lead), recipient="John@Example.com"))
    assert app.lead(lead).email_bounced


def test_a_report_that_names_no_address_marks_none(app: Application) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    app.change(lead, email="john@work.example.net")
    app.bounce(a_report(follow_up, recipient=None))
    assert not app.lead(lead).email_bounced
    assert app.follow_up(follow_up).state is FollowUpState.FAILED


def test_an_address_behind_that_of_the_lead_is_not_meant(app: Application) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    app.bounce(a_report(follow_up, recipient="john@home.example.net"))
    assert not app.lead(lead).email_bounced
    assert app.follow_up(follow_up).state is FollowUpState.FAILED
    assert app.timeline(lead)[0].data["permanent"] is False


def test_the_failure_of_the_recipient_counts(app: Application) -> None:
    lead = app.register().lead
    follow_up = sent(app, lead)
    other = ReportedFailure(recipient="other@example.net", status="5.2.2", is_permanent=False)
    report = a_report(follow_up)
    app.bounce(replace(report, failures=[other, *report.failures]))
    assert (app.follow_up(follow_up).last_error, app.lead(lead).email_bounced) == (NO_SUCH_ADDRESS, True)


def test_the_address_of_a_colleague_marks_no_lead(app: Application) -> None:
    lead = app.register(owner="Mia@Example.com").lead
    follow_up = sent(app, lead, recipient="owner")
    app.bounce(a_report(follow_up, recipient="mia@example.com"))
    assert (app.follow_up(follow_up).state, app.lead(lead).email_bounced) == (FollowUpState.FAILED, False)
    assert app.timeline(lead)[0].data["permanent"] is True
    assert app.trigger(lead, channel="smtp", recipient="owner").state is FollowUpState.SCHEDULED


def test_a_merge_keeps_what_is_known_of_the_remaining_address(app: Application) -> None:
    lead, duplicate = app.register(email=None, phone="+4930123456").lead, app.register().lead
    follow_up = sent(app, duplicate)
    app.bounce(a_report(follow_up))
    assert app.merge(lead, duplicate).email_bounced
    other = app.register(email="other@example.com").lead
    merged = app.merge(other, lead)
    assert (str(merged.email), merged.email_bounced) == ("other@example.com", False)


def test_a_message_to_a_merged_lead_belongs_to_its_survivor(app: Application) -> None:
    duplicate, lead = app.register().lead, app.register(email="other@example.com").lead
    follow_up = sent(app, duplicate)
    app.merge(lead, duplicate)
    assert app.bounce(a_report(follow_up)) == lead.id
    assert not app.lead(lead).email_bounced
    assert app.timeline(lead)[0].data["follow_up_id"] == follow_up.id


def test_a_returned_digest_has_failed(app: Application) -> None:
    digest = Digest.plan(DigestId(an_id(7)), an_email("mia@example.com"), NOON).end(DigestState.SENT, NOON)
    app.database.write(lambda work: work.digests.plan(NOON, [digest]))
    processed = app.process_mail(a_mail(report=a_report(digest, recipient="mia@example.com")))
    assert (processed.outcome, processed.submission.reason) == (ProcessingOutcome.IGNORED, DIGEST_RETURNED)
    stored = app.database.write(lambda work: work.digests.get_for_update(digest.id))
    assert (stored.state, stored.last_error) == (DigestState.FAILED, NO_SUCH_ADDRESS)
