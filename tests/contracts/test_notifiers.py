from collections.abc import Callable, Mapping
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
    """A channel that does `first` before it accepts a notice."""

    def __init__(self, first: Callable[[FollowUpNotice], object], **members: Any) -> None:
        super().__init__(**members)
        self._first = first

    def notify(self, notice: FollowUpNotice) -> Receipt:
        answer = self._first(notice)
        return super().notify(notice) if answer is None else cast(Receipt, answer)


class OneAtATime(RecordingNotifier):
    """A channel that breaks when two use it at once; every notice waits until that happens, or a while."""

    def __init__(self) -> None:
        super().__init__()
        self._inside = 0

    def notify(self, notice: FollowUpNotice) -> Receipt:
        if self.notices:
            message = "the connection is in use"
            raise RuntimeError(message)
        return super().notify(notice)


def scribble(notice: FollowUpNotice) -> None:
    """Change a notice."""
    cast(dict[str, Any], notice.lead)["status"] = "sent"


def refuse_repeats() -> Callable[[FollowUpNotice], None]:
    """Fail at the second attempt."""

    def refuse(notice: FollowUpNotice) -> None:
        if notice.attempt > 1:
            raise TryAgain(notice.idempotency_key)

    return refuse


def stumble(notice: FollowUpNotice) -> None:
    """Fail at a line break, and not in the words of the port."""
    if "\n" in notice.name:
        raise ValueError(notice.name)


BROKEN: Mapping[str, FollowUpNotifier] = {
    "test_declares_the_kind_of_address_that_it_needs": RecordingNotifier(needs=cast(Address, "pigeon")),
    "test_gives_a_receipt_for_what_it_accepted": Channel(lambda _: "sent"),
    "test_leaves_the_notice_as_it_was": Channel(scribble),
    "test_sends_the_same_notice_again_when_it_is_tried_again": Channel(refuse_repeats()),
    "test_sends_notices_of_several_threads_at_once": OneAtATime(),
    "test_sends_names_and_messages_of_any_kind_or_says_that_it_does_not": Channel(stumble),
    "test_accepts_nothing_that_lacks_the_address_it_needs": RecordingNotifier(needs=Address.PHONE),
}


@pytest.mark.parametrize("name", [name for name in vars(FollowUpNotifierContract) if name.startswith("test_")])
def test_every_promise_of_a_channel_is_seen_to_be_broken(name: str) -> None:
    class BrokenContract(FollowUpNotifierContract):
        def make_notifier(self) -> FollowUpNotifier:
            return BROKEN[name]

    with pytest.raises(Exception, match=".") as failure:
        getattr(BrokenContract(), name)()
    assert not isinstance(failure.value, NotImplementedError)
