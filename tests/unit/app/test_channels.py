"""Test that calls of notifiers have a time limit."""

from threading import Event

from builders import a_notice
from fakes import RecordingNotifier
from leads_app.channels import _run, attempt, check_channel
from leads_domain.notifier import Refused


def test_a_notifier_that_hangs_is_abandoned() -> None:
    released = Event()
    try:
        assert str(_run(released.wait, 0.01)) == "The channel did not respond within 0 s."
    finally:
        released.set()


def test_an_attempt_returns_the_error_of_the_notifier() -> None:
    notifier, refusal = RecordingNotifier(), Refused("Unknown recipient.")
    notifier.fail_with(refusal)
    assert attempt(notifier, a_notice()) is refusal
    assert attempt(notifier, a_notice()) is None


def test_a_notifier_without_a_check_passes() -> None:
    assert check_channel(RecordingNotifier()) is None
