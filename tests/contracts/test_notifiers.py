from collections.abc import Callable
from threading import Event, Lock
from typing import Any, cast

import pytest

from fakes import RecordingNotifier
from leads_adapters.notifiers.log import create
from leads_domain.notifier import Address, FollowUpNotice, FollowUpNotifier, Receipt, TryAgain
from leads_domain.testing import FollowUpNotifierContract


class TestLoggingNotifier(FollowUpNotifierContract):
    def make_notifier(self) -> FollowUpNotifier:
        return create({})


class TestRecordingNotifier(FollowUpNotifierContract):
    def make_notifier(self) -> FollowUpNotifier:
        return RecordingNotifier()


class Channel(RecordingNotifier):
    """A channel that does something of its own with a notice; what that answers is its receipt."""

    def __init__(self, habit: Callable[[FollowUpNotice], object]) -> None:
        super().__init__()
        self._habit = habit

    def notify(self, notice: FollowUpNotice) -> Receipt:
        return cast(Receipt, self._habit(notice) or super().notify(notice))


class OneConnection:
    """What breaks when two use it at once. Whoever has it keeps it until another comes."""

    def __init__(self) -> None:
        self._in_use, self._wanted = Lock(), Event()

    def __call__(self, _: FollowUpNotice) -> None:
        if not self._in_use.acquire(blocking=False):
            self._wanted.set()
            message = "The connection is in use."
            raise RuntimeError(message)
        self._wanted.wait(30)


def scribble(notice: FollowUpNotice) -> None:
    """Change a notice."""
    cast(dict[str, Any], notice.lead)["status"] = "sent"


def refuse_repeats(notice: FollowUpNotice) -> None:
    """Send nothing twice."""
    if notice.attempt > 1:
        raise TryAgain(notice.idempotency_key)


def stumble(notice: FollowUpNotice) -> None:
    """Fail at a line break, and not in the words of the port."""
    if "\n" in notice.name:
        raise ValueError(notice.name)


@pytest.mark.parametrize(
    ("promise", "notifier", "error"),
    [
        (
            FollowUpNotifierContract.test_declares_the_kind_of_address_that_it_needs,
            RecordingNotifier(needs=cast(Address, "pigeon")),
            AssertionError,
        ),
        (FollowUpNotifierContract.test_gives_a_receipt_for_what_it_accepted, Channel(lambda _: "sent"), AssertionError),
        (FollowUpNotifierContract.test_leaves_the_notice_as_it_was, Channel(scribble), AssertionError),
        (
            FollowUpNotifierContract.test_sends_the_same_notice_again_when_it_is_tried_again,
            Channel(refuse_repeats),
            TryAgain,
        ),
        (
            FollowUpNotifierContract.test_sends_notices_of_several_threads_at_once,
            Channel(OneConnection()),
            RuntimeError,
        ),
        (
            FollowUpNotifierContract.test_sends_names_and_messages_of_any_kind_or_says_that_it_does_not,
            Channel(stumble),
            ValueError,
        ),
        (
            FollowUpNotifierContract.test_accepts_nothing_that_lacks_the_address_it_needs,
            RecordingNotifier(needs=Address.PHONE),
            AssertionError,
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_channel_that_breaks_a_promise_is_found_out(
    promise: Callable[[FollowUpNotifierContract], None], notifier: FollowUpNotifier, error: type[Exception]
) -> None:
    class Contract(FollowUpNotifierContract):
        def make_notifier(self) -> FollowUpNotifier:
            return notifier

    with pytest.raises(error):
        promise(Contract())
