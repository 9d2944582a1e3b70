"""Others' code is called with a bound on its time."""

from threading import Event

from builders import a_notice
from fakes import RecordingNotifier
from leads_app.channels import _run, attempt, check_channel
from leads_domain.notifier import Refused


def test_nobody_waits_for_a_notifier_that_hangs() -> None:
    released = Event()
    try:
        assert str(_run(released.wait, 0.01)) == "The channel did not respond within 0 s."
    finally:
        released.set()


def test_an_attempt_tells_what_the_notifier_says() -> None:
    notifier, refusal = RecordingNotifier(), Refused("Nobody lives there.")
    notifier.fail_with(refusal)
    assert attempt(notifier, a_notice()) is refusal
    assert attempt(notifier, a_notice()) is None


def test_a_notifier_that_cannot_check_is_not_at_fault() -> None:
    assert check_channel(RecordingNotifier()) is None
