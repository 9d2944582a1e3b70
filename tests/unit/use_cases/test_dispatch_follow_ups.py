"""Sending what is due: at least once, never zero times."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import NOON, a_notice, an_email
from desk import LEASE, RETRY, Desk
from fakes import RecordingNotifier
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpState, Lease, Recipient
from leads_domain.notifier import Address, NotificationError, Refused, TryAgain
from leads_domain.use_cases.dispatch_follow_ups import DELAY_MAX, DISPATCHER, ClaimDueFollowUps, Claimed, send

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WAIT = RETRY.first / 2
"""After the first attempt: the random source always returns one half."""


def test_a_claim_hands_over_what_is_due_with_the_notice_to_send(desk: Desk) -> None:
    lead = desk.register(phone="+12025550123", source="fair", owner="Ann@example.com").lead
    follow_up = desk.trigger(lead, message="Hello!")
    desk.trigger(lead, due_at=NOON + HOUR)
    (claimed,) = desk.claim(owner="dispatcher 1")

    assert claimed.follow_up == replace(
        follow_up, attempts=1, claims=1, lease=Lease(owner="dispatcher 1", until=NOON + LEASE)
    )
    assert claimed.follow_up == desk.follow_up(follow_up)
    assert claimed.notice == a_notice(
        follow_up_id=follow_up.id,
        lead_id=lead.id,
        idempotency_key=follow_up.id,
        phone="+12025550123",
        message="Hello!",
        lead={
            "name": "John Doe",
            "email": "john@example.com",
            "phone": "+12025550123",
            "status": "new",
            "source": "fair",
            "owner": "Ann@example.com",
        },
    )


def test_a_notice_to_the_owner_goes_to_the_owner(desk: Desk) -> None:
    lead = desk.register(phone="+12025550123", owner="Ann@example.com").lead
    desk.trigger(lead, recipient=Recipient.OWNER)
    (claimed,) = desk.claim()

    notice = claimed.notice
    assert (notice.name, notice.email, notice.phone) == ("Ann@example.com", "Ann@example.com", None)
    assert notice.lead["name"] == "John Doe"


def test_a_notice_speaks_of_the_lead_as_it_is_when_it_is_sent(desk: Desk) -> None:
    lead = desk.register().lead
    desk.trigger(lead)
    desk.change(lead, "contacted", name="Johnny", email="johnny@example.com")
    (claimed,) = desk.claim()

    assert (claimed.notice.name, claimed.notice.email) == ("Johnny", "johnny@example.com")
    assert claimed.notice.lead["status"] == "contacted"


def test_a_number_with_an_extension_is_dialled_without_it(desk: Desk) -> None:
    desk.trigger(desk.register(phone="+12025550123 ext. 7").lead, channel="sms")
    (claimed,) = desk.claim()

    assert claimed.notice.phone == "+12025550123"
    assert claimed.notice.lead["phone"] == "+12025550123;ext=7"


def test_a_notice_to_an_owner_that_the_lead_has_no_more_has_no_address(desk: Desk) -> None:
    lead = desk.register(owner="ann@example.com").lead
    desk.trigger(lead, recipient=Recipient.OWNER)
    desk.change(lead, owner=None)
    (claimed,) = desk.claim()

    assert claimed.notice.email is None
    assert "None" not in claimed.notice.name


@pytest.mark.parametrize("channels", [["log"], []])
def test_what_is_owed_to_an_owner_that_the_lead_does_not_have_is_not_tried_again(
    desk: Desk, channels: list[str]
) -> None:
    lead = desk.register(owner="ann@example.com").lead
    follow_up = desk.trigger(lead, recipient=Recipient.OWNER)
    desk.change(lead, owner=None)
    (claimed,) = desk.claim()
    log = RecordingNotifier()
    desk.record(claimed, send(claimed, dict.fromkeys(channels, log)))

    failed = desk.follow_up(follow_up)
    assert (failed.state, failed.attempts, failed.last_error) == (FollowUpState.FAILED, 1, "The lead has no owner.")
    assert log.notices == []


def test_a_channel_is_not_asked_to_send_without_the_address_that_it_needs(desk: Desk) -> None:
    lead = desk.register(phone="+12025550123").lead
    desk.trigger(lead, channel="sms")
    desk.change(lead, phone=None)
    (claimed,) = desk.claim()
    sms = RecordingNotifier(needs=Address.PHONE)

    desk.record(claimed, send(claimed, {"sms": sms}))

    failed = desk.follow_up(claimed.follow_up)
    assert (failed.state, failed.attempts) == (FollowUpState.FAILED, 1)
    assert failed.last_error == "The channel sms needs a telephone number, and the recipient has none."
    assert sms.notices == []


@pytest.mark.parametrize(
    ("needs", "recipient", "kind"),
    [(Address.EMAIL, "+4930123456", "an e-mail address"), (Address.PHONE, "sales@example.com", "a telephone number")],
)
def test_nor_is_one_that_has_been_given_another_adapter_since(
    desk: Desk, needs: Address, recipient: str, kind: str
) -> None:
    desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    email, phone = (recipient, None) if "@" in recipient else (None, recipient)
    claimed = replace(
        claimed,
        follow_up=replace(claimed.follow_up, recipient=recipient),
        notice=replace(claimed.notice, email=email, phone=phone),
    )
    notifier = RecordingNotifier(needs=needs)

    error = send(claimed, {"log": notifier})

    assert str(error) == f"The channel log needs {kind}, and the recipient has none."
    assert notifier.notices == []


def test_what_was_sent_is_recorded_and_told(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    log = RecordingNotifier()
    (claimed,) = desk.claim()
    error = send(claimed, {"log": log})
    now = desk.clock.advance(SECOND)

    assert error is None
    assert desk.record(claimed, error)
    assert log.accepted == [claimed.notice]
    sent = desk.follow_up(follow_up)
    assert sent == replace(
        claimed.follow_up, state=FollowUpState.SENT, sent_at=now, next_attempt_at=None, lease=None, updated_at=now
    )
    newest = desk.timeline(lead)[0]
    assert (newest.type, newest.at, newest.actor) == (EventType.FOLLOW_UP_SENT, now, DISPATCHER)
    assert newest.data == {"follow_up_id": follow_up.id, "channel": "log", "recipient": "lead", "attempt": 1}
    desk.clock.advance(24 * HOUR)
    assert list(desk.claim()) == []


def test_nobody_is_asked_to_send_what_is_not_due(desk: Desk) -> None:
    desk.trigger(desk.register().lead, due_at=NOON + SECOND)

    assert list(desk.claim()) == []
    desk.clock.advance(SECOND)
    assert len(desk.claim()) == 1


def test_the_longest_due_come_first_and_no_more_than_asked_for(desk: Desk) -> None:
    lead = desk.register().lead
    last, first, second = (desk.trigger(lead, due_at=NOON + hours * HOUR) for hours in (3, 1, 2))
    desk.clock.advance(4 * HOUR)

    assert [each.follow_up.id for each in desk.claim(limit=2)] == [first.id, second.id]
    assert [each.follow_up.id for each in desk.claim(limit=2)] == [last.id]


def test_what_cannot_be_sent_now_is_tried_again_later(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    (claimed,) = desk.claim()
    now = desk.clock.advance(SECOND)

    assert desk.record(claimed, TryAgain("The mailbox is full."))
    waiting = desk.follow_up(follow_up)
    assert (waiting.state, waiting.attempts, waiting.lease) == (FollowUpState.SCHEDULED, 1, None)
    assert (waiting.last_error, waiting.next_attempt_at) == ("The mailbox is full.", now + WAIT)
    assert waiting.due_at == follow_up.due_at
    assert desk.lead(lead).next_follow_up_at == follow_up.due_at
    newest = desk.timeline(lead)[0]
    assert (newest.type, newest.data["attempt"], newest.data["error"]) == (
        EventType.FOLLOW_UP_ATTEMPT_FAILED,
        1,
        "The mailbox is full.",
    )
    desk.clock.advance(WAIT - timedelta(microseconds=1))
    assert list(desk.claim()) == []
    desk.clock.advance(timedelta(microseconds=1))
    (again,) = desk.claim()
    assert (again.notice.attempt, again.notice.idempotency_key) == (2, claimed.notice.idempotency_key)


@pytest.mark.parametrize(
    ("asked", "wait"),
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
def test_a_channel_that_asks_for_more_time_gets_it_within_reason(
    desk: Desk, asked: timedelta | None, wait: timedelta
) -> None:
    follow_up = desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()

    assert desk.record(claimed, TryAgain("busy", asked))
    assert desk.follow_up(follow_up).next_attempt_at == NOON + wait


def test_what_is_refused_is_never_tried_again(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    (claimed,) = desk.claim()
    now = desk.clock.advance(SECOND)

    assert desk.record(claimed, Refused("There is no such mailbox."))
    failed = desk.follow_up(follow_up)
    assert (failed.state, failed.last_error) == (FollowUpState.FAILED, "There is no such mailbox.")
    assert (failed.next_attempt_at, failed.lease, failed.updated_at) == (None, None, now)
    assert desk.lead(lead).next_follow_up_at is None
    assert desk.story(lead)[-2:] == ["follow_up.attempt_failed", "follow_up.failed"]
    desk.clock.advance(1000 * HOUR)
    assert list(desk.claim()) == []


def test_attempts_are_repeated_at_growing_intervals_until_there_were_enough(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    attempted_at = []
    while desk.follow_up(follow_up).state is FollowUpState.SCHEDULED:
        desk.clock.time = desk.follow_up(follow_up).next_attempt_at or NOON
        attempted_at.append(desk.clock.time - NOON)
        (claimed,) = desk.claim()
        assert desk.record(claimed, TryAgain(f"busy {claimed.notice.attempt}"))

    assert attempted_at == [timedelta(0), WAIT, 3 * WAIT]
    assert (desk.follow_up(follow_up).state, desk.follow_up(follow_up).last_error) == (FollowUpState.FAILED, "busy 3")
    assert desk.story(lead) == [
        "lead.created",
        "follow_up.scheduled",
        "follow_up.attempt_failed",
        "follow_up.attempt_failed",
        "follow_up.attempt_failed",
        "follow_up.failed",
    ]
    failures = [entry for entry in desk.timeline(lead) if entry.type is EventType.FOLLOW_UP_ATTEMPT_FAILED]
    assert [(entry.data["attempt"], entry.data["error"]) for entry in failures] == [
        (3, "busy 3"),
        (2, "busy 2"),
        (1, "busy 1"),
    ]
    assert desk.timeline(lead)[0].data["attempts"] == 3


def test_the_last_attempt_is_the_last_whatever_the_channel_asks_for(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    for _ in range(RETRY.attempts):
        (claimed,) = desk.claim()
        desk.record(claimed, TryAgain("busy", HOUR))
        desk.clock.advance(HOUR)

    assert desk.follow_up(follow_up).state is FollowUpState.FAILED


def test_an_error_of_no_kind_in_particular_is_a_reason_to_try_again(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()

    assert desk.record(claimed, NotificationError("odd"))
    assert desk.follow_up(follow_up).next_attempt_at == NOON + WAIT


@pytest.mark.parametrize("reason", ["", "\0", "a\0b", "\ud800", "x" * 1_000_000, "Ольга 👩🏽\u200d💻\r\n"])
def test_nothing_that_a_channel_says_keeps_its_outcome_from_being_recorded(desk: Desk, reason: str) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    (claimed,) = desk.claim()

    assert desk.record(claimed, Refused(reason))
    kept = desk.follow_up(follow_up).last_error
    assert kept is not None
    assert "\0" not in kept
    assert len(kept) <= 1000
    assert kept.encode().decode() == kept
    assert desk.timeline(lead)[0].data["error"] == kept


def test_an_unexpected_error_is_told_by_its_type_alone(desk: Desk) -> None:
    desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    log = RecordingNotifier()
    log.fail_with(ConnectionError("smtp://user:secret@mail.example.com"))
    error = send(claimed, {"log": log})

    assert isinstance(error, TryAgain)
    assert str(error) == "The channel failed with ConnectionError."
    assert error.delay is None


@pytest.mark.parametrize("error", [TryAgain("busy", MINUTE), Refused("no"), NotificationError("odd")])
def test_what_a_channel_says_in_the_words_of_the_port_is_passed_on(desk: Desk, error: NotificationError) -> None:
    desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    log = RecordingNotifier()
    log.fail_with(error)

    assert send(claimed, {"log": log}) is error


def test_a_channel_that_is_not_configured_any_more_may_come_back(desk: Desk) -> None:
    desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    error = send(claimed, {"smtp": RecordingNotifier()})

    assert isinstance(error, TryAgain)
    assert str(error) == "The channel 'log' is not configured."


def test_a_notice_goes_out_on_its_own_channel(desk: Desk) -> None:
    lead = desk.register().lead
    desk.trigger(lead, channel="smtp")
    (claimed,) = desk.claim()
    log, smtp = RecordingNotifier(), RecordingNotifier()

    assert send(claimed, {"log": log, "smtp": smtp}) is None
    assert (log.notices, smtp.notices) == ([], [claimed.notice])


def test_a_dispatcher_that_died_is_succeeded_when_its_lease_ends(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    (first,) = desk.claim(owner="dispatcher 1")
    desk.clock.advance(LEASE - SECOND)
    assert list(desk.claim(owner="dispatcher 2")) == []
    now = desk.clock.advance(SECOND)
    (second,) = desk.claim(owner="dispatcher 2")

    assert second.follow_up.lease == Lease(owner="dispatcher 2", until=now + LEASE)
    assert (second.notice.attempt, second.notice.idempotency_key) == (2, first.notice.idempotency_key)
    assert desk.follow_up(follow_up).attempts == 2


@pytest.mark.parametrize("late", [None, TryAgain("busy"), Refused("no")])
def test_a_dispatcher_that_was_thought_dead_cannot_record_over_its_successor(
    desk: Desk, late: NotificationError | None
) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    (first,) = desk.claim(owner="dispatcher 1")
    desk.clock.advance(LEASE)
    (second,) = desk.claim(owner="dispatcher 2")

    _assert_not_recorded(desk, first, late)
    assert desk.record(second)
    _assert_not_recorded(desk, first, late)
    assert desk.follow_up(follow_up).state is FollowUpState.SENT
    assert desk.story(lead) == ["lead.created", "follow_up.scheduled", "follow_up.sent"]


def test_an_outcome_is_recorded_once(desk: Desk) -> None:
    desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    desk.record(claimed, TryAgain("busy"))

    desk.clock.advance(RETRY.first)
    (again,) = desk.claim()
    _assert_not_recorded(desk, claimed, TryAgain("busy"))
    desk.record(again)
    _assert_not_recorded(desk, again, None)


@pytest.mark.parametrize("error", [None, TryAgain("busy"), Refused("no")])
def test_an_outcome_whose_answer_was_lost_is_not_recorded_again(desk: Desk, error: NotificationError | None) -> None:
    desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    assert desk.record(claimed, error)
    _assert_not_recorded(desk, claimed, error)
    if isinstance(error, Refused):
        desk.retry(claimed.follow_up)
        _assert_not_recorded(desk, claimed, error)


def test_a_dispatcher_whose_lease_ended_may_still_record_if_nobody_took_over(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    desk.clock.advance(LEASE + HOUR)

    assert desk.record(claimed)
    assert desk.follow_up(follow_up).state is FollowUpState.SENT


def test_an_attempt_that_a_crash_cut_off_counts(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    for _ in range(RETRY.attempts):
        (claimed,) = desk.claim()
        desk.clock.advance(LEASE)

    assert desk.record(claimed, TryAgain("busy"))
    assert desk.follow_up(follow_up).state is FollowUpState.FAILED


def test_what_cut_off_all_its_attempts_fails_visibly_and_is_not_sent_again(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    for _ in range(RETRY.attempts):
        (claimed,) = desk.claim()
        assert not claimed.exhausted
        desk.clock.advance(LEASE)
    (claimed,) = desk.claim()
    log = RecordingNotifier()
    error = send(claimed, {"log": log})

    assert claimed.exhausted
    assert log.notices == []
    assert desk.record(claimed, error)
    failed = desk.follow_up(follow_up)
    assert (failed.state, failed.last_error) == (FollowUpState.FAILED, "Every attempt was cut off before its end.")
    assert desk.story(lead)[-1] == "follow_up.failed"
    assert desk.lead(lead).next_follow_up_at is None


def test_what_is_retried_may_be_attempted_as_often_as_at_first(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    for _ in range(2):
        for _ in range(RETRY.attempts):
            (claimed,) = desk.claim()
            assert not claimed.exhausted
            desk.record(claimed, TryAgain("busy"))
            desk.clock.advance(HOUR)
        assert desk.follow_up(follow_up).state is FollowUpState.FAILED
        desk.retry(follow_up)


def test_only_the_channels_that_are_named_are_claimed(desk: Desk) -> None:
    lead = desk.register().lead
    log, smtp = desk.trigger(lead), desk.trigger(lead, channel="smtp")
    claim = ClaimDueFollowUps(desk.clock, LEASE, RETRY)

    (claimed,) = desk.database.write(claim, owner="one", limits={"smtp": 5, "pigeon": 5})
    assert claimed.follow_up.id == smtp.id
    (claimed,) = desk.database.write(claim, owner="one", limits={"smtp": 5, "log": 5})
    assert claimed.follow_up.id == log.id


def test_what_was_put_off_while_it_was_attempted_is_not_attempted_before_its_new_time(desk: Desk) -> None:
    lead = desk.register().lead
    follow_up = desk.trigger(lead)
    (claimed,) = desk.claim()
    desk.reschedule(follow_up, due_at=NOON + HOUR)

    assert desk.record(claimed, TryAgain("busy"))
    assert desk.follow_up(follow_up).next_attempt_at == NOON + HOUR
    assert desk.lead(lead).next_follow_up_at == NOON + HOUR


def test_what_was_cancelled_while_it_was_attempted_stays_cancelled(desk: Desk) -> None:
    follow_up = desk.trigger(desk.register().lead)
    (claimed,) = desk.claim()
    desk.cancel(follow_up)

    _assert_not_recorded(desk, claimed, None)
    assert desk.follow_up(follow_up).state is FollowUpState.CANCELLED


def test_what_is_due_for_several_leads_is_sent_to_each(desk: Desk) -> None:
    leads = [desk.register(email=f"{number}@example.com").lead for number in range(3)]
    for lead in leads:
        desk.trigger(lead)
    claimed = desk.claim()

    assert {each.notice.lead_id: each.notice.email for each in claimed} == {
        lead.id: an_email(f"{number}@example.com").address for number, lead in enumerate(leads)
    }
    assert all(desk.record(each) for each in claimed)
    assert [desk.story(lead)[-1] for lead in leads] == ["follow_up.sent"] * 3


def _assert_not_recorded(desk: Desk, claimed: Claimed, error: NotificationError | None) -> None:
    follow_up = desk.follow_up(claimed.follow_up)
    lead = desk.database.read(lambda work: work.leads.get(follow_up.lead_id))
    story = desk.timeline(lead)
    assert not desk.record(claimed, error)
    assert desk.follow_up(follow_up) == follow_up
    assert desk.lead(lead) == lead
    assert desk.timeline(lead) == story
