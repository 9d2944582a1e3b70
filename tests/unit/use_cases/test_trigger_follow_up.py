"""Test how a follow-up of a lead is scheduled."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from application import ACTOR, Application
from builders import NOON, a_follow_up, a_lead, an_id
from leads_domain.errors import FieldError, NotFound, ValidationFailed
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpId, Recipient

HOUR = timedelta(hours=1)


def test_by_default_a_follow_up_is_sent_to_the_lead_now_on_the_default_channel(app: Application) -> None:
    lead = app.register().lead
    now = app.clock.advance(HOUR)
    follow_up = app.trigger(lead)

    message = "Hello John Doe, thank you for your interest. We will be in touch with you soon."
    expected = a_follow_up(
        id=follow_up.id, lead_id=lead.id, message=message, due_at=now, created_at=now, updated_at=now
    )
    assert follow_up == expected
    assert app.follow_up(follow_up) == expected


def test_the_default_message_to_the_owner_is_a_reminder(app: Application) -> None:
    lead = app.register(owner="ann@example.com").lead

    assert app.trigger(lead, recipient=Recipient.OWNER).message == "Please follow up with John Doe."


def test_a_follow_up_has_all_requested_values(app: Application) -> None:
    lead = app.register(phone="+12025550123").lead
    follow_up = app.trigger(lead, channel="sms", message=" Call me. ", due_at=NOON + HOUR, recipient=Recipient.LEAD)

    assert (follow_up.channel, follow_up.message, follow_up.due_at) == ("sms", "Call me.", NOON + HOUR)
    assert follow_up.next_attempt_at == NOON + HOUR


def test_the_timeline_shows_actor_and_time_of_the_scheduling(app: Application) -> None:
    lead = app.register().lead
    now = app.clock.advance(HOUR)
    follow_up = app.trigger(lead, due_at=now + HOUR)

    newest = app.timeline(lead)[0]
    assert (newest.type, newest.at, newest.actor) == (EventType.FOLLOW_UP_SCHEDULED, now, ACTOR)
    assert newest.data == {
        "follow_up_id": follow_up.id,
        "channel": "log",
        "recipient": "lead",
        "due_at": "2026-01-05T14:00:00.000000Z",
    }


def test_a_due_time_in_any_zone_is_stored_in_utc(app: Application) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    follow_up = app.trigger(app.register().lead, due_at=datetime(2026, 1, 6, 9, 0, 0, 1, tzinfo=india))

    assert repr(app.follow_up(follow_up).due_at) == repr(datetime(2026, 1, 6, 3, 30, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))),
    ],
)
def test_a_time_that_cannot_be_converted_to_utc_is_refused(app: Application, at: datetime) -> None:
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.trigger(lead, due_at=at)
    assert [error.pointer for error in caught.value.errors] == ["/due_at"]


def test_a_follow_up_with_a_due_time_in_the_past_is_due_at_once(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, due_at=NOON - 1000 * HOUR)

    assert [claimed.item.id for claimed in app.claim()] == [follow_up.id]


def test_an_unknown_channel_is_refused_with_the_known_ones(app: Application) -> None:
    lead = app.register().lead

    with pytest.raises(ValidationFailed) as caught:
        app.trigger(lead, channel="pigeon")
    error = FieldError("/channel", "Unknown channel 'pigeon'. Use one of: log, sms, smtp, webhook.")
    assert caught.value.errors == (error,)
    assert app.follow_ups(lead) == []
    assert app.lead(lead) == lead


def test_all_errors_are_reported_together(app: Application) -> None:
    with pytest.raises(ValidationFailed) as caught:
        app.trigger(app.register().lead, channel="pigeon", message="\0")
    assert [error.pointer for error in caught.value.errors] == ["/channel", "/message"]


@pytest.mark.parametrize("values", [{}, {"recipient": Recipient.OWNER}])
def test_a_channel_that_needs_a_phone_number_is_refused_without_one(app: Application, values: dict[str, Any]) -> None:
    lead = app.register(owner="ann@example.com", phone="+12025550123" if values else None).lead

    with pytest.raises(ValidationFailed) as caught:
        app.trigger(lead, channel="sms", **values)
    recipient = values.get("recipient", Recipient.LEAD)
    error = FieldError("/channel", f"The channel sms needs a phone number, and the {recipient} has none.")
    assert caught.value.errors == (error,)
    assert app.follow_ups(lead) == []


def test_a_follow_up_to_a_missing_owner_is_refused(app: Application) -> None:
    with pytest.raises(ValidationFailed) as caught:
        app.trigger(app.register().lead, recipient=Recipient.OWNER, channel="smtp")
    detail = "The lead has no owner. Set its `owner` first, or use the recipient `lead`."
    assert caught.value.errors == (FieldError("/recipient", detail),)


def test_an_unknown_lead_has_no_follow_up(app: Application) -> None:
    with pytest.raises(NotFound) as missing:
        app.trigger(a_lead(id=an_id(9)))
    assert (missing.value.kind, missing.value.id) == ("lead", an_id(9))


def test_a_lead_shows_its_next_follow_up(app: Application) -> None:
    lead = app.register().lead
    now = app.clock.advance(HOUR)

    app.trigger(lead, due_at=now + 2 * HOUR)
    first = app.lead(lead)
    assert first == replace(lead, next_follow_up_at=now + 2 * HOUR, version=2, updated_at=now)
    app.trigger(lead, due_at=now + 3 * HOUR)
    assert app.lead(lead) == first
    app.trigger(lead, due_at=now + HOUR)
    earliest = replace(first, next_follow_up_at=now + HOUR, version=3)
    assert app.lead(lead) == earliest
    app.trigger(lead, due_at=now + HOUR)
    assert app.lead(lead) == earliest


def test_after_a_follow_up_is_sent_the_lead_shows_the_next_one(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead)
    app.trigger(lead, due_at=NOON + HOUR)
    app.trigger(lead, due_at=NOON + 2 * HOUR)
    assert app.lead(lead).next_follow_up_at == NOON

    for next_due_at in (NOON + HOUR, NOON + 2 * HOUR, None):
        (claimed,) = app.claim()
        before = app.lead(lead)
        app.record(claimed)
        assert app.lead(lead).next_follow_up_at == next_due_at
        assert app.lead(lead).version == before.version + 1
        app.clock.advance(HOUR)


def test_an_unknown_follow_up_is_not_found(app: Application) -> None:
    with pytest.raises(NotFound, match="No follow-up has the id"):
        app.database.read(lambda work: work.follow_ups.get(FollowUpId(an_id(9))))


def test_a_channel_that_needs_an_email_address_is_refused_without_one(app: Application) -> None:
    lead = app.register(email=None, phone="+12025550123", owner="ann@example.com").lead

    with pytest.raises(ValidationFailed) as caught:
        app.trigger(lead, channel="smtp")
    error = FieldError("/channel", "The channel smtp needs an e-mail address, and the lead has none.")
    assert caught.value.errors == (error,)
    assert app.trigger(lead, channel="smtp", recipient=Recipient.OWNER).channel == "smtp"
    assert app.trigger(lead, channel="sms").channel == "sms"


def test_a_value_that_is_null_or_blank_has_its_default(app: Application) -> None:
    follow_up = app.trigger(app.register().lead, channel=" ", message="", due_at=None, recipient=None)
    assert (follow_up.channel, follow_up.due_at, follow_up.recipient) == ("log", NOON, Recipient.LEAD)
    assert follow_up.message.startswith("Hello John Doe, ")


def test_the_longest_message_is_sent_and_a_longer_one_refused(app: Application) -> None:
    lead = app.register().lead
    assert len(app.trigger(lead, message="x" * 10_000).message) == 10_000
    with pytest.raises(ValidationFailed, match="Must have 1 to 10000 characters, but has 10001"):
        app.trigger(lead, message="x" * 10_001)
