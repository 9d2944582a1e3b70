"""Test that due follow-ups are sent at least once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application import CHANNELS, LEASE, RETRY, Application
from builders import NOON, a_notice, an_email
from fakes import FixedEntropy, RecordingNotifier
from leads_domain.delivery import DELAY_MAX, INTERRUPTED, Claimed, send
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUp, FollowUpState, Lease, Recipient
from leads_domain.notifier import Address, NotificationError, Refused, TryAgain
from leads_domain.use_cases.dispatch_follow_ups import DISPATCHER, ClaimDueFollowUps

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WAIT = RETRY.first / 2
"""The wait after the first attempt. The random source always returns 0.5."""


def test_a_claim_returns_due_follow_ups_with_their_notices(app: Application) -> None:
    lead = app.register(phone="+12025550123", source="fair", owner="Ann@example.com").lead
    follow_up = app.trigger(lead, message="Hello!")
    app.trigger(lead, due_at=NOON + HOUR)
    (claimed,) = app.claim(owner="dispatcher 1")

    assert claimed.item == replace(
        follow_up, attempts=1, claims=1, lease=Lease(owner="dispatcher 1", until=NOON + LEASE)
    )
    assert claimed.item == app.follow_up(follow_up)
    assert claimed.notice == a_notice(
        follow_up_id=follow_up.id,
        lead_id=lead.id,
        idempotency_key=follow_up.id,
        phone="+12025550123",
        message="Hello!",
        subject="John Doe: Hello!",
        lead={
            "name": "John Doe",
            "email": "john@example.com",
            "phone": "+12025550123",
            "status": "new",
            "source": "fair",
            "owner": "Ann@example.com",
        },
    )


def test_a_notice_to_the_owner_has_the_address_of_the_owner(app: Application) -> None:
    lead = app.register(phone="+12025550123", owner="Ann@example.com").lead
    app.trigger(lead, recipient=Recipient.OWNER)
    (claimed,) = app.claim()

    notice = claimed.notice
    assert (notice.name, notice.email, notice.phone) == ("Ann@example.com", "Ann@example.com", None)
    assert notice.lead["name"] == "John Doe"


def test_a_notice_has_the_current_fields_of_the_lead(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead)
    app.change(lead, "contacted", name="Johnny", email="johnny@example.com")
    (claimed,) = app.claim()

    assert (claimed.notice.name, claimed.notice.email) == ("Johnny", "johnny@example.com")
    assert claimed.notice.lead["status"] == "contacted"


def test_the_phone_number_of_a_notice_has_no_extension(app: Application) -> None:
    app.trigger(app.register(phone="+12025550123 ext. 7").lead, channel="sms")
    (claimed,) = app.claim()

    assert claimed.notice.phone == "+12025550123"
    assert claimed.notice.lead["phone"] == "+12025550123;ext=7"


def test_a_notice_to_the_owner_of_a_lead_without_owner_has_no_address(app: Application) -> None:
    lead = app.register(owner="ann@example.com").lead
    app.trigger(lead, recipient=Recipient.OWNER)
    app.change(lead, owner=None)
    (claimed,) = app.claim()

    assert claimed.notice.email is None
    assert "None" not in claimed.notice.name


@pytest.mark.parametrize("channels", [["log"], []])
def test_a_follow_up_to_a_missing_owner_fails_without_a_retry(app: Application, channels: list[str]) -> None:
    lead = app.register(owner="ann@example.com").lead
    follow_up = app.trigger(lead, recipient=Recipient.OWNER)
    app.change(lead, owner=None)
    (claimed,) = app.claim()
    log = RecordingNotifier()
    app.record(claimed, send(claimed, dict.fromkeys(channels, log)))

    failed = app.follow_up(follow_up)
    assert (failed.state, failed.attempts, failed.last_error) == (FollowUpState.FAILED, 1, "The lead has no owner.")
    assert log.notices == []


@pytest.mark.parametrize(
    ("channel", "needs", "kind"),
    [("sms", Address.PHONE, "a phone number"), ("smtp", Address.EMAIL, "an e-mail address")],
)
def test_a_channel_does_not_send_without_the_address_that_it_needs(
    app: Application, channel: str, needs: Address, kind: str
) -> None:
    lead = app.register(phone="+12025550123").lead
    app.trigger(lead, channel=channel)
    app.change(lead, **{needs.value: None})
    (claimed,) = app.claim()
    notifier = RecordingNotifier(needs=needs)

    app.record(claimed, send(claimed, {channel: notifier}))

    failed = app.follow_up(claimed.item)
    assert (failed.state, failed.attempts) == (FollowUpState.FAILED, 1)
    assert failed.last_error == f"The channel {channel} needs {kind}, and the recipient has none."
    assert notifier.notices == []


def test_the_notice_of_a_lead_without_an_email_address_has_none(app: Application) -> None:
    app.trigger(app.register(email=None, phone="+12025550123").lead)
    (claimed,) = app.claim()
    assert (claimed.notice.email, claimed.notice.phone) == (None, "+12025550123")
    assert claimed.notice.lead["email"] is None


@pytest.mark.parametrize(
    ("needs", "recipient", "kind"),
    [(Address.EMAIL, "+4930123456", "an e-mail address"), (Address.PHONE, "sales@example.com", "a phone number")],
)
def test_a_channel_with_a_new_adapter_does_not_send_to_another_kind_of_address(
    app: Application, needs: Address, recipient: str, kind: str
) -> None:
    app.trigger(app.register().lead)
    (claimed,) = app.claim()
    email, phone = (recipient, None) if "@" in recipient else (None, recipient)
    claimed = replace(
        claimed,
        item=replace(claimed.item, recipient=recipient),
        notice=replace(claimed.notice, email=email, phone=phone),
    )
    notifier = RecordingNotifier(needs=needs)

    error = send(claimed, {"log": notifier})

    assert str(error) == f"The channel log needs {kind}, and the recipient has none."
    assert notifier.notices == []


def test_a_sent_follow_up_is_recorded_on_the_timeline(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    log = RecordingNotifier()
    (claimed,) = app.claim()
    error = send(claimed, {"log": log})
    now = app.clock.advance(SECOND)

    assert error is None
    assert app.record(claimed, error)
    assert log.accepted == [claimed.notice]
    sent = app.follow_up(follow_up)
    assert sent == replace(
        claimed.item, state=FollowUpState.SENT, sent_at=now, next_attempt_at=None, lease=None, updated_at=now
    )
    newest = app.timeline(lead)[0]
    assert (newest.type, newest.at, newest.actor) == (EventType.FOLLOW_UP_SENT, now, DISPATCHER)
    assert newest.data == {"follow_up_id": follow_up.id, "channel": "log", "recipient": "lead", "attempt": 1}
    app.clock.advance(24 * HOUR)
    assert list(app.claim()) == []


def test_a_follow_up_is_not_claimed_before_it_is_due(app: Application) -> None:
    app.trigger(app.register().lead, due_at=NOON + SECOND)

    assert list(app.claim()) == []
    app.clock.advance(SECOND)
    assert len(app.claim()) == 1


def test_a_claim_returns_the_longest_due_first_up_to_the_limit(app: Application) -> None:
    lead = app.register().lead
    last, first, second = (app.trigger(lead, due_at=NOON + hours * HOUR) for hours in (3, 1, 2))
    app.clock.advance(4 * HOUR)

    assert [each.item.id for each in app.claim(limit=2)] == [first.id, second.id]
    assert [each.item.id for each in app.claim(limit=2)] == [last.id]


def test_a_failed_attempt_is_retried_after_the_wait(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    (claimed,) = app.claim()
    now = app.clock.advance(SECOND)

    assert app.record(claimed, TryAgain("The mailbox is full."))
    waiting = app.follow_up(follow_up)
    assert (waiting.state, waiting.attempts, waiting.lease) == (FollowUpState.SCHEDULED, 1, None)
    assert (waiting.last_error, waiting.next_attempt_at) == ("The mailbox is full.", now + WAIT)
    assert waiting.due_at == follow_up.due_at
    assert app.lead(lead).next_follow_up_at == follow_up.due_at
    newest = app.timeline(lead)[0]
    assert (newest.type, newest.data["attempt"], newest.data["error"]) == (
        EventType.FOLLOW_UP_ATTEMPT_FAILED,
        1,
        "The mailbox is full.",
    )
    app.clock.advance(WAIT - timedelta(microseconds=1))
    assert list(app.claim()) == []
    app.clock.advance(timedelta(microseconds=1))
    (retried,) = app.claim()
    assert (retried.notice.attempt, retried.notice.idempotency_key) == (2, claimed.notice.idempotency_key)


@pytest.mark.parametrize(
    ("delay", "wait"),
    [
        (None, WAIT),
        (timedelta(seconds=-5), WAIT),
        (timedelta(0), WAIT),
        (WAIT - SECOND, WAIT),
        (2 * HOUR, 2 * HOUR),
        (timedelta(days=10_000), DELAY_MAX),
        (timedelta.max, DELAY_MAX),
    ],
)
def test_the_delay_of_a_channel_is_honoured_up_to_a_maximum(
    app: Application, delay: timedelta | None, wait: timedelta
) -> None:
    follow_up = app.trigger(app.register().lead)
    (claimed,) = app.claim()

    assert app.record(claimed, TryAgain("busy", delay))
    assert app.follow_up(follow_up).next_attempt_at == NOON + wait


def test_a_refused_follow_up_is_not_retried(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    (claimed,) = app.claim()
    now = app.clock.advance(SECOND)

    assert app.record(claimed, Refused("There is no such mailbox."))
    failed = app.follow_up(follow_up)
    assert (failed.state, failed.last_error) == (FollowUpState.FAILED, "There is no such mailbox.")
    assert (failed.next_attempt_at, failed.lease, failed.updated_at) == (None, None, now)
    assert app.lead(lead).next_follow_up_at is None
    assert app.event_types(lead)[-2:] == ["follow_up.attempt_failed", "follow_up.failed"]
    app.clock.advance(1000 * HOUR)
    assert list(app.claim()) == []


def test_attempts_are_repeated_with_growing_waits_up_to_the_maximum_number(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    attempted_at = []
    while app.follow_up(follow_up).state is FollowUpState.SCHEDULED:
        app.clock.time = app.follow_up(follow_up).next_attempt_at or NOON
        attempted_at.append(app.clock.time - NOON)
        (claimed,) = app.claim()
        assert app.record(claimed, TryAgain(f"busy {claimed.notice.attempt}"))

    assert attempted_at == [timedelta(0), WAIT, 3 * WAIT]
    assert (app.follow_up(follow_up).state, app.follow_up(follow_up).last_error) == (FollowUpState.FAILED, "busy 3")
    assert app.event_types(lead) == [
        "lead.created",
        "follow_up.scheduled",
        "follow_up.attempt_failed",
        "follow_up.attempt_failed",
        "follow_up.attempt_failed",
        "follow_up.failed",
    ]
    failures = [entry for entry in app.timeline(lead) if entry.type is EventType.FOLLOW_UP_ATTEMPT_FAILED]
    assert [(entry.data["attempt"], entry.data["error"]) for entry in failures] == [
        (3, "busy 3"),
        (2, "busy 2"),
        (1, "busy 1"),
    ]
    assert app.timeline(lead)[0].data["attempts"] == 3


def test_a_delay_does_not_extend_the_number_of_attempts(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    for _ in range(RETRY.attempts):
        (claimed,) = app.claim()
        app.record(claimed, TryAgain("busy", HOUR))
        app.clock.advance(HOUR)

    assert app.follow_up(follow_up).state is FollowUpState.FAILED


def test_a_plain_notification_error_causes_a_retry(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    (claimed,) = app.claim()

    assert app.record(claimed, NotificationError("odd"))
    assert app.follow_up(follow_up).next_attempt_at == NOON + WAIT


@pytest.mark.parametrize("reason", ["", "\0", "a\0\x1b[2Jb", "\ud800", "x" * 1_000_000, "Ольга 👩🏽\u200d💻\r\n"])
def test_an_outcome_with_any_reason_is_recorded(app: Application, reason: str) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    (claimed,) = app.claim()

    assert app.record(claimed, Refused(reason))
    stored = app.follow_up(follow_up).last_error
    assert stored is not None
    assert not {"\0", "\x1b"} & {*stored}
    assert len(stored) <= 1000
    assert stored.encode().decode() == stored
    assert app.timeline(lead)[0].data["error"] == stored


def test_what_cannot_be_stored_of_a_reason_is_replaced(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    (claimed,) = app.claim()
    assert app.record(claimed, Refused("a\0b\ud800" + "x" * 1_000))
    assert app.follow_up(follow_up).last_error == "a b?" + "x" * 996


def test_of_an_unexpected_error_only_the_type_is_shown(app: Application) -> None:
    app.trigger(app.register().lead)
    (claimed,) = app.claim()
    log = RecordingNotifier()
    log.fail_with(ConnectionError("smtp://user:secret@mail.example.com"))
    error = send(claimed, {"log": log})

    assert isinstance(error, TryAgain)
    assert str(error) == "The channel failed with ConnectionError."
    assert error.delay is None


@pytest.mark.parametrize("error", [TryAgain("busy", MINUTE), Refused("no"), NotificationError("odd")])
def test_a_notification_error_is_returned_unchanged(app: Application, error: NotificationError) -> None:
    app.trigger(app.register().lead)
    (claimed,) = app.claim()
    log = RecordingNotifier()
    log.fail_with(error)

    assert send(claimed, {"log": log}) is error


def test_a_follow_up_on_a_removed_channel_is_retried(app: Application) -> None:
    app.trigger(app.register().lead)
    (claimed,) = app.claim()
    error = send(claimed, {"smtp": RecordingNotifier()})

    assert isinstance(error, TryAgain)
    assert str(error) == "The channel log is not configured."


def test_a_notice_is_sent_on_its_channel(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead, channel="smtp")
    (claimed,) = app.claim()
    log, smtp = RecordingNotifier(), RecordingNotifier()

    assert send(claimed, {"log": log, "smtp": smtp}) is None
    assert (log.notices, smtp.notices) == ([], [claimed.notice])


def test_another_dispatcher_takes_over_when_the_lease_expires(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    (first,) = app.claim(owner="dispatcher 1")
    app.clock.advance(LEASE - SECOND)
    assert list(app.claim(owner="dispatcher 2")) == []
    now = app.clock.advance(SECOND)
    (second,) = app.claim(owner="dispatcher 2")

    assert second.item.lease == Lease(owner="dispatcher 2", until=now + LEASE)
    assert (second.notice.attempt, second.notice.idempotency_key) == (2, first.notice.idempotency_key)
    assert app.follow_up(follow_up).attempts == 2


@pytest.mark.parametrize("late", [None, TryAgain("busy"), Refused("no")])
def test_an_outcome_after_another_dispatcher_took_over_is_not_recorded(
    app: Application, late: NotificationError | None
) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    (first,) = app.claim(owner="dispatcher 1")
    app.clock.advance(LEASE)
    (second,) = app.claim(owner="dispatcher 2")

    _assert_not_recorded(app, first, late)
    assert app.record(second)
    _assert_not_recorded(app, first, late)
    assert app.follow_up(follow_up).state is FollowUpState.SENT
    assert app.event_types(lead) == ["lead.created", "follow_up.scheduled", "follow_up.sent"]


def test_an_outcome_is_recorded_once(app: Application) -> None:
    app.trigger(app.register().lead)
    (claimed,) = app.claim()
    app.record(claimed, TryAgain("busy"))

    app.clock.advance(RETRY.first)
    (retried,) = app.claim()
    _assert_not_recorded(app, claimed, TryAgain("busy"))
    app.record(retried)
    _assert_not_recorded(app, retried, None)


@pytest.mark.parametrize("error", [None, TryAgain("busy"), Refused("no")])
def test_recording_the_same_outcome_again_has_no_effect(app: Application, error: NotificationError | None) -> None:
    app.trigger(app.register().lead)
    (claimed,) = app.claim()
    assert app.record(claimed, error)
    _assert_not_recorded(app, claimed, error)
    if isinstance(error, Refused):
        app.retry(claimed.item)
        _assert_not_recorded(app, claimed, error)


def test_an_outcome_after_the_lease_is_recorded_if_no_other_dispatcher_took_over(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    (claimed,) = app.claim()
    app.clock.advance(LEASE + HOUR)

    assert app.record(claimed)
    assert app.follow_up(follow_up).state is FollowUpState.SENT


def test_an_interrupted_attempt_counts(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    for _ in range(RETRY.attempts):
        (claimed,) = app.claim()
        app.clock.advance(LEASE)

    assert app.record(claimed, TryAgain("busy"))
    assert app.follow_up(follow_up).state is FollowUpState.FAILED


def test_a_follow_up_with_only_interrupted_attempts_fails(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    for _ in range(RETRY.attempts):
        (claimed,) = app.claim()
        assert claimed.refusal is None
        app.clock.advance(LEASE)
    (claimed,) = app.claim()
    log = RecordingNotifier()
    error = send(claimed, {"log": log})

    assert claimed.refusal == INTERRUPTED
    assert log.notices == []
    assert app.record(claimed, error)
    failed = app.follow_up(follow_up)
    assert (failed.state, failed.last_error) == (FollowUpState.FAILED, "All attempts were interrupted.")
    assert app.event_types(lead)[-1] == "follow_up.failed"
    assert app.lead(lead).next_follow_up_at is None


def test_a_retried_follow_up_has_the_full_number_of_attempts(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    for _ in range(2):
        for _ in range(RETRY.attempts):
            (claimed,) = app.claim()
            assert claimed.refusal is None
            app.record(claimed, TryAgain("busy"))
            app.clock.advance(HOUR)
        assert app.follow_up(follow_up).state is FollowUpState.FAILED
        app.retry(follow_up)


def test_only_the_named_channels_are_claimed(app: Application) -> None:
    lead = app.register().lead
    log, smtp = app.trigger(lead), app.trigger(lead, channel="smtp")
    claim = ClaimDueFollowUps(app.clock, LEASE, RETRY, CHANNELS, FixedEntropy())

    (claimed,) = app.database.write(claim, owner="one", limits={"smtp": 5, "pigeon": 5})
    assert claimed.item.id == smtp.id
    (claimed,) = app.database.write(claim, owner="one", limits={"smtp": 5, "log": 5})
    assert claimed.item.id == log.id


def test_a_follow_up_postponed_during_an_attempt_is_retried_at_its_new_time(app: Application) -> None:
    lead = app.register().lead
    follow_up = app.trigger(lead)
    (claimed,) = app.claim()
    app.reschedule(follow_up, due_at=NOON + HOUR)

    assert app.record(claimed, TryAgain("busy"))
    assert app.follow_up(follow_up).next_attempt_at == NOON + HOUR
    assert app.lead(lead).next_follow_up_at == NOON + HOUR


def test_a_follow_up_cancelled_during_an_attempt_stays_cancelled(app: Application) -> None:
    follow_up = app.trigger(app.register().lead)
    (claimed,) = app.claim()
    app.cancel(follow_up)

    _assert_not_recorded(app, claimed, None)
    assert app.follow_up(follow_up).state is FollowUpState.CANCELLED


def test_due_follow_ups_of_several_leads_are_all_sent(app: Application) -> None:
    leads = [app.register(email=f"{number}@example.com").lead for number in range(3)]
    for lead in leads:
        app.trigger(lead)
    claimed = app.claim()

    assert {each.notice.lead_id: each.notice.email for each in claimed} == {
        lead.id: an_email(f"{number}@example.com").address for number, lead in enumerate(leads)
    }
    assert all(app.record(each) for each in claimed)
    assert [app.event_types(lead)[-1] for lead in leads] == ["follow_up.sent"] * 3


def _assert_not_recorded(app: Application, claimed: Claimed[FollowUp], error: NotificationError | None) -> None:
    follow_up = app.follow_up(claimed.item)
    lead = app.database.read(lambda work: work.leads.get(follow_up.lead_id))
    timeline = app.timeline(lead)
    assert not app.record(claimed, error)
    assert app.follow_up(follow_up) == follow_up
    assert app.lead(lead) == lead
    assert app.timeline(lead) == timeline


def test_a_notice_for_a_missing_owner_has_neither_name_nor_address(app: Application) -> None:
    lead = app.register(owner="ann@example.com").lead
    app.trigger(lead, recipient=Recipient.OWNER)
    app.change(lead, owner=None)
    (claimed,) = app.claim()
    assert (claimed.notice.name, claimed.notice.email, claimed.notice.phone) == ("", None, None)
