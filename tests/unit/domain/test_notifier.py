"""Test the errors of notifiers, and the fake notifier of the tests."""

from datetime import timedelta

import pytest

from builders import a_notice
from fakes import RecordingNotifier
from leads_domain.notifier import Address, FollowUpNotifier, NotificationError, Refused, TryAgain


def test_try_again_can_have_a_delay() -> None:
    assert TryAgain("busy", timedelta(seconds=30)).delay == timedelta(seconds=30)
    assert TryAgain("busy").delay is None


@pytest.mark.parametrize("error", [TryAgain("The mailbox is full."), Refused("The mailbox is full.")])
def test_a_notification_error_shows_its_reason(error: NotificationError) -> None:
    assert str(error) == "The mailbox is full."


def test_a_recording_notifier_returns_a_receipt() -> None:
    notifier: FollowUpNotifier = RecordingNotifier(needs=Address.PHONE)
    assert notifier.needs is Address.PHONE
    assert notifier.notify(a_notice()).reference == "receipt 1"


def test_a_recording_notifier_raises_the_queued_errors_and_then_accepts() -> None:
    notifier = RecordingNotifier()
    notifier.fail_with(TryAgain("busy"), Refused("no such mailbox"))
    first, second, third = (a_notice(attempt=attempt) for attempt in (1, 2, 3))
    with pytest.raises(TryAgain, match="busy"):
        notifier.notify(first)
    with pytest.raises(Refused, match="no such mailbox"):
        notifier.notify(second)
    notifier.notify(third)
    assert notifier.notices == [first, second, third]
    assert notifier.accepted == [third]
