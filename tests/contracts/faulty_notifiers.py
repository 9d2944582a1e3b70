"""Notifiers that break the contract, each with the test that must fail for it."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Event, Lock, Thread
from typing import Any, cast
from uuid import uuid4

from leads_domain.notifier import Address, FollowUpNotice, Receipt, Refused, TryAgain
from leads_domain.testing import Behaviour, FollowUpNotifierContract, Received

PASSWORD = "open sesame"
TIMEOUT_SECONDS = 0.1
WAIT_SECONDS = 5.0

Contract = FollowUpNotifierContract


class Busy(Exception):
    """The receiver fails temporarily."""


class Rejected(Exception):
    """The receiver refuses the notice permanently."""


class Receiver:
    """A receiver in this process with a configurable behaviour."""

    def __init__(self) -> None:
        self.accepted: list[Received] = []
        self._behaviour = Behaviour.ACCEPTS
        self._released = Event()

    def behave(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._released.set()
        self._released = Event()

    def accept(self, received: Received, timeout: float) -> str:
        """Accept a notice and return a reference. Raises `Busy`, `Rejected`, or `TimeoutError` after the time-out."""
        match self._behaviour:
            case Behaviour.FAILS:
                raise Busy
            case Behaviour.REFUSES:
                raise Rejected
            case Behaviour.HANGS:
                self._released.wait(timeout)
                raise TimeoutError
        self.accepted.append(received)
        return f"notice {len(self.accepted)}"


class CorrectNotifier:
    """A notifier that fulfils the contract. Each faulty notifier below differs from it in one point."""

    def __init__(self, receiver: Receiver, needs: Address | None = Address.EMAIL) -> None:
        self.needs = needs
        self.receiver = receiver
        self.password = PASSWORD

    def notify(self, notice: FollowUpNotice) -> Receipt:
        try:
            return Receipt(self.deliver(notice))
        except (Busy, TimeoutError):
            raise TryAgain("The receiver is busy.", delay=timedelta(minutes=1)) from None
        except Rejected:
            raise Refused("The receiver refuses the notice.") from None

    def deliver(self, notice: FollowUpNotice) -> str:
        return self.send(self.received(notice))

    def send(self, received: Received) -> str:
        return self.receiver.accept(received, TIMEOUT_SECONDS)

    def received(self, notice: FollowUpNotice) -> Received:
        address = self.address(notice)
        if self.needs is not None and address is None:
            raise Refused("The recipient has no address.")
        return Received(
            message=self.message(notice),
            name=self.name(notice),
            address=address,
            idempotency_key=self.key(notice),
            subject=self.subject(notice),
        )

    def address(self, notice: FollowUpNotice) -> str | None:
        return {Address.EMAIL: notice.email, Address.PHONE: notice.phone, None: None}[self.needs]

    def message(self, notice: FollowUpNotice) -> str:
        return notice.message

    def name(self, notice: FollowUpNotice) -> str | None:
        return notice.name

    def key(self, notice: FollowUpNotice) -> str | None:
        return notice.idempotency_key

    def subject(self, notice: FollowUpNotice) -> str | None:
        return notice.subject


class SerialNotifier(CorrectNotifier):
    """A notifier that sends one notice at a time, adds text to the message, and can be checked."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self._lock = Lock()

    def deliver(self, notice: FollowUpNotice) -> str:
        with self._lock:
            return super().deliver(notice)

    def message(self, notice: FollowUpNotice) -> str:
        return f"Dear {notice.name},\r\n" + notice.message.replace("\n", "\r\n") + "\r\n"

    def check(self) -> None:
        """Pass the check."""


class NotifierContract(FollowUpNotifierContract):
    """The contract for one class of notifier."""

    secrets = (PASSWORD,)
    time_limit_seconds = 1.0

    def __init__(self, notifier_class: Any = CorrectNotifier, *options: Any) -> None:
        self._notifier_class, self._options = notifier_class, options
        self._receiver = Receiver()

    def make_notifier(self) -> Any:
        return self._notifier_class(self._receiver, *self._options)

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        self._receiver.behave(behaviour)

    def received(self) -> Sequence[Received]:
        return tuple(self._receiver.accepted)


FAULTY_NOTIFIERS: dict[type[CorrectNotifier], str] = {}
"""The faulty notifiers, and the names of the tests that must fail for them."""


def must_fail(test: Any) -> Any:
    def register(notifier: type[CorrectNotifier]) -> type[CorrectNotifier]:
        FAULTY_NOTIFIERS[notifier] = test.__name__
        return notifier

    return register


@must_fail(Contract.test_raises_try_again_when_the_receiver_fails)
class SwallowsFailures(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Busy:
            return ""


@must_fail(Contract.test_raises_refused_when_the_receiver_refuses)
class SwallowsRefusals(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Rejected:
            return ""


@must_fail(Contract.test_returns_no_receipt_before_the_receiver_accepts)
class SwallowsTimeOuts(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except TimeoutError:
            return ""


@must_fail(Contract.test_returns_no_receipt_before_the_receiver_accepts)
class ReturnsBeforeSending(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        Thread(target=super().notify, args=(notice,), daemon=True).start()
        return ""


@must_fail(Contract.test_sends_a_notice_once_and_unchanged)
class SendsNothing(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        return ""


@must_fail(Contract.test_sends_a_notice_once_and_unchanged)
class SendsTwice(CorrectNotifier):
    def send(self, received: Received) -> str:
        super().send(received)
        return super().send(received)


@must_fail(Contract.test_sends_a_notice_once_and_unchanged)
class ShortensTheMessage(CorrectNotifier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.message.splitlines()[0]


@must_fail(Contract.test_sends_a_notice_once_and_unchanged)
class ReplacesCharactersThatAreNotAscii(CorrectNotifier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.message.encode("ascii", "replace").decode()


@must_fail(Contract.test_sends_a_notice_once_and_unchanged)
class SendsToAnotherAddress(CorrectNotifier):
    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.email and notice.email.replace("-0@", "@")


@must_fail(Contract.test_sends_a_notice_once_and_unchanged)
class ChangesTheName(CorrectNotifier):
    def name(self, notice: FollowUpNotice) -> str | None:
        return notice.name.upper()


@must_fail(Contract.test_sends_the_message_of_a_notice_with_a_subject_and_details)
class SendsTheSubjectInPlaceOfTheMessage(CorrectNotifier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.subject or notice.message


@must_fail(Contract.test_sends_the_message_of_a_notice_with_a_subject_and_details)
class CutsTheSubject(CorrectNotifier):
    def subject(self, notice: FollowUpNotice) -> str | None:
        return notice.subject[:4]


@must_fail(Contract.test_sends_the_message_of_a_notice_with_an_unsubscribe_link)
class SendsTheLinkInPlaceOfTheMessage(CorrectNotifier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.unsubscribe_url or notice.message


@must_fail(Contract.test_sends_a_digest)
class NeedsALead(CorrectNotifier):
    def message(self, notice: FollowUpNotice) -> str:
        return f"{notice.message} ({notice.lead['status']})"


@must_fail(Contract.test_does_not_change_the_notice)
class ChangesTheNotice(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        cast(dict[str, Any], notice.lead)["status"] = "sent"
        return super().deliver(notice)


@must_fail(Contract.test_lets_the_receiver_recognise_a_repeated_notice)
class OmitsTheKey(CorrectNotifier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return None


@must_fail(Contract.test_lets_the_receiver_recognise_a_repeated_notice)
class MakesRandomKeys(CorrectNotifier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return str(uuid4())


@must_fail(Contract.test_lets_the_receiver_recognise_a_repeated_notice)
class MakesAKeyForEachAttempt(CorrectNotifier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return f"{notice.idempotency_key}-{notice.attempt}"


@must_fail(Contract.test_lets_the_receiver_recognise_a_repeated_notice)
class UsesOneKeyForALead(CorrectNotifier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return notice.lead_id


@must_fail(Contract.test_lets_the_receiver_recognise_a_repeated_notice)
class SendsNoRepeatedNotice(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        if notice.attempt > 1:
            raise TryAgain("This notice was sent already.")
        return super().deliver(notice)


@must_fail(Contract.test_raises_try_again_in_time_when_the_receiver_hangs)
class HangsPastItsTimeOut(CorrectNotifier):
    def send(self, received: Received) -> str:
        return self.receiver.accept(received, WAIT_SECONDS)


@must_fail(Contract.test_raises_try_again_in_time_when_the_receiver_hangs)
class RaisesTimeOuts(CorrectNotifier):
    def notify(self, notice: FollowUpNotice) -> Receipt:
        try:
            return Receipt(self.deliver(notice))
        except Busy:
            raise TryAgain("The receiver is busy.") from None


@must_fail(Contract.test_raises_refused_when_the_receiver_refuses)
class RaisesOtherErrors(CorrectNotifier):
    def notify(self, notice: FollowUpNotice) -> Receipt:
        return Receipt(self.deliver(notice))


@must_fail(Contract.test_raises_refused_when_the_receiver_refuses)
class RetriesRefusals(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Rejected:
            raise TryAgain("It did not work.") from None


@must_fail(Contract.test_raises_try_again_when_the_receiver_fails)
class RefusesAfterAFailure(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Busy:
            raise Refused("It did not work.") from None


@must_fail(Contract.test_raises_try_again_when_the_receiver_fails)
class GivesTheDelayAsANumber(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Busy:
            raise TryAgain("The receiver is busy.", delay=cast(timedelta, 60)) from None


@must_fail(Contract.test_sends_notices_of_several_threads_at_once)
class SharesAConnection(CorrectNotifier):
    """Fails when two threads use its connection. A thread holds the connection until another thread wants it."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self._in_use, self._wanted = Lock(), Event()

    def deliver(self, notice: FollowUpNotice) -> str:
        if not self._in_use.acquire(blocking=False):
            self._wanted.set()
            raise RuntimeError("The connection is in use.")
        self._wanted.wait(WAIT_SECONDS)
        return super().deliver(notice)


@must_fail(Contract.test_sends_notices_of_several_threads_at_once)
class MixesUpNoticesOfThreads(CorrectNotifier):
    """Stores the notice where its threads share it, until another notice arrives."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self._another = Barrier(2)

    def deliver(self, notice: FollowUpNotice) -> str:
        self._notice = notice
        try:
            self._another.wait(WAIT_SECONDS)
        except BrokenBarrierError:
            raise Busy from None
        return super().deliver(self._notice)


@must_fail(Contract.test_keeps_no_state_between_notices)
class QueuesFailedNotices(CorrectNotifier):
    """Queues failed notices, and sends them together with the next one."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self._queue: list[Received] = []

    def deliver(self, notice: FollowUpNotice) -> str:
        self._queue.append(self.received(notice))
        while self._queue:
            reference = self.send(self._queue[0])
            self._queue.pop(0)
        return reference


@must_fail(Contract.test_keeps_no_state_between_notices)
class SendsToTheFirstRecipient(CorrectNotifier):
    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self._first: str | None = None

    def address(self, notice: FollowUpNotice) -> str | None:
        self._first = self._first or notice.email
        return self._first


@must_fail(Contract.test_keeps_no_state_between_notices)
class FailsAfterAFailure(CorrectNotifier):
    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self._has_failed = False

    def send(self, received: Received) -> str:
        if self._has_failed:
            raise Busy
        self._has_failed = True
        reference = super().send(received)
        self._has_failed = False
        return reference


@must_fail(Contract.test_declares_the_kind_of_address_that_it_needs)
class DeclaresAnUnknownAddress(CorrectNotifier):
    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self.needs = cast(Address, "pigeon")

    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.email


@must_fail(Contract.test_needs_no_other_address_than_it_declares)
class NeedsMoreThanItDeclares(CorrectNotifier):
    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver, needs=None)

    def address(self, notice: FollowUpNotice) -> str | None:
        if notice.phone is None:
            raise Refused("The recipient has no phone number.")
        return notice.phone


@must_fail(Contract.test_sends_a_notice_once_and_unchanged)
class UsesAnotherAddressThanItDeclares(CorrectNotifier):
    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.phone or notice.email


@must_fail(Contract.test_accepts_no_notice_without_the_address_that_it_needs)
class SendsWithoutAnAddress(CorrectNotifier):
    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.email or "nobody@example.com"


@must_fail(Contract.test_returns_a_receipt_for_an_accepted_notice)
class ReturnsText(CorrectNotifier):
    def notify(self, notice: FollowUpNotice) -> Receipt:
        return cast(Receipt, super().notify(notice).reference)


@must_fail(Contract.test_returns_a_receipt_for_an_accepted_notice)
class ReturnsANumberAsReference(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        super().deliver(notice)
        return cast(str, 17)


@must_fail(Contract.test_sends_any_name_and_message_or_raises_an_error)
class FailsOnLineBreaks(CorrectNotifier):
    def name(self, notice: FollowUpNotice) -> str | None:
        if "\n" in notice.name:
            raise ValueError("a header with a line break")
        return notice.name


@must_fail(Contract.test_sends_any_name_and_message_or_raises_an_error)
class TreatsMessagesAsTemplates(CorrectNotifier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.message.replace("{email}", notice.email or "")


@must_fail(Contract.test_sends_any_name_and_message_or_raises_an_error)
class LetsNamesAddRecipients(CorrectNotifier):
    def deliver(self, notice: FollowUpNotice) -> str:
        for _ in range(notice.name.count("@")):
            self.send(self.received(notice))
        return super().deliver(notice)


@must_fail(Contract.test_shows_no_secret)
class ShowsItsPassword(CorrectNotifier):
    def __repr__(self) -> str:
        return f"ShowsItsPassword({self.password!r})"


@must_fail(Contract.test_shows_no_secret)
class ShowsItsPasswordInFailures(CorrectNotifier):
    def send(self, received: Received) -> str:
        try:
            return super().send(received)
        except Busy:
            raise TryAgain(f"The receiver rejects the password {self.password}.") from None


@must_fail(Contract.test_shows_no_secret)
class ShowsItsPasswordInRefusals(CorrectNotifier):
    def send(self, received: Received) -> str:
        try:
            return super().send(received)
        except Rejected:
            raise Refused(f"The receiver rejects the password {self.password}.") from None


@must_fail(Contract.test_checks_the_channel_without_sending)
class ChecksBySending(CorrectNotifier):
    def check(self) -> None:
        self.send(Received(message="Check", idempotency_key=None))


@must_fail(Contract.test_checks_the_channel_without_sending)
class AlwaysFailsItsCheck(CorrectNotifier):
    def check(self) -> None:
        raise TryAgain("The check failed.")
