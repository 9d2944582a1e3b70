"""Channels that break a promise, each with the test of the contract that must find it out."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Event, Lock, Thread
from typing import Any, cast
from uuid import uuid4

from leads_domain.notifier import Address, FollowUpNotice, Receipt, Refused, TryAgain
from leads_domain.testing import Behaviour, FollowUpNotifierContract, Received

PASSWORD = "open sesame"
PATIENCE = 0.1
WAIT_SECONDS = 5.0

Contract = FollowUpNotifierContract


class Busy(Exception):
    """The office is busy for now."""


class Rejected(Exception):
    """The office does not take this."""


class Office:
    """A receiver in this process: takes letters, and behaves as it is told."""

    def __init__(self) -> None:
        self.letters: list[Received] = []
        self._behaviour = Behaviour.ACCEPTS
        self._released = Event()

    def behave(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._released.set()
        self._released = Event()

    def take(self, letter: Received, patience: float) -> str:
        """A reference for `letter`; raises `Busy`, `Rejected`, or `TimeoutError` when `patience` ends."""
        match self._behaviour:
            case Behaviour.FAILS:
                raise Busy
            case Behaviour.REFUSES:
                raise Rejected
            case Behaviour.HANGS:
                self._released.wait(patience)
                raise TimeoutError
        self.letters.append(letter)
        return f"letter {len(self.letters)}"


class Courier:
    """A notifier that keeps every promise. The faulty ones below differ from it in one thing each."""

    def __init__(self, office: Office, needs: Address | None = Address.EMAIL) -> None:
        self.needs = needs
        self.office = office
        self.password = PASSWORD

    def notify(self, notice: FollowUpNotice) -> Receipt:
        try:
            return Receipt(self.deliver(notice))
        except (Busy, TimeoutError):
            raise TryAgain("The office is busy.", delay=timedelta(minutes=1)) from None
        except Rejected:
            raise Refused("The office does not take this.") from None

    def deliver(self, notice: FollowUpNotice) -> str:
        return self.take(self.letter(notice))

    def take(self, letter: Received) -> str:
        return self.office.take(letter, PATIENCE)

    def letter(self, notice: FollowUpNotice) -> Received:
        address = self.address(notice)
        if self.needs is not None and address is None:
            raise Refused("The recipient has no address.")
        return Received(
            message=self.message(notice), name=self.name(notice), address=address, idempotency_key=self.key(notice)
        )

    def address(self, notice: FollowUpNotice) -> str | None:
        return {Address.EMAIL: notice.email, Address.PHONE: notice.phone, None: None}[self.needs]

    def message(self, notice: FollowUpNotice) -> str:
        return notice.message

    def name(self, notice: FollowUpNotice) -> str | None:
        return notice.name

    def key(self, notice: FollowUpNotice) -> str | None:
        return notice.idempotency_key


class OrderlyCourier(Courier):
    """Sends one after the other, with words of its own around the message, and can be asked whether it would work."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._lock = Lock()

    def deliver(self, notice: FollowUpNotice) -> str:
        with self._lock:
            return super().deliver(notice)

    def message(self, notice: FollowUpNotice) -> str:
        return f"Dear {notice.name},\r\n" + notice.message.replace("\n", "\r\n") + "\r\n"

    def check(self) -> None:
        """There is nothing that could be wrong."""


class CourierContract(FollowUpNotifierContract):
    """The contract for a kind of courier."""

    secrets = (PASSWORD,)
    time_limit_seconds = 1.0

    def __init__(self, kind: Any = Courier, *options: Any) -> None:
        self._kind, self._options = kind, options
        self._office = Office()

    def make_notifier(self) -> Any:
        return self._kind(self._office, *self._options)

    def receiver_behaves(self, behaviour: Behaviour) -> None:
        self._office.behave(behaviour)

    def received(self) -> Sequence[Received]:
        return tuple(self._office.letters)


FAULTS: dict[type[Courier], str] = {}
"""The faulty couriers, and the names of the tests that must fail for them."""


def found_out_by(test: Any) -> Any:
    def plant(fault: type[Courier]) -> type[Courier]:
        FAULTS[fault] = test.__name__
        return fault

    return plant


@found_out_by(Contract.test_says_try_again_when_the_receiver_fails)
class SwallowsFailures(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Busy:
            return ""


@found_out_by(Contract.test_says_refused_when_the_receiver_refuses)
class SwallowsRefusals(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Rejected:
            return ""


@found_out_by(Contract.test_gives_no_receipt_before_the_receiver_has_accepted)
class SwallowsTimeOuts(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except TimeoutError:
            return ""


@found_out_by(Contract.test_gives_no_receipt_before_the_receiver_has_accepted)
class ReturnsBeforeSending(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        Thread(target=super().notify, args=(notice,), daemon=True).start()
        return ""


@found_out_by(Contract.test_sends_a_notice_once_and_as_it_is)
class SendsNothing(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        return ""


@found_out_by(Contract.test_sends_a_notice_once_and_as_it_is)
class SendsTwice(Courier):
    def take(self, letter: Received) -> str:
        super().take(letter)
        return super().take(letter)


@found_out_by(Contract.test_sends_a_notice_once_and_as_it_is)
class ShortensTheMessage(Courier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.message.splitlines()[0]


@found_out_by(Contract.test_sends_a_notice_once_and_as_it_is)
class LosesWhatIsNotAscii(Courier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.message.encode("ascii", "replace").decode()


@found_out_by(Contract.test_sends_a_notice_once_and_as_it_is)
class WritesToAnotherAddress(Courier):
    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.email and notice.email.replace("-0@", "@")


@found_out_by(Contract.test_sends_a_notice_once_and_as_it_is)
class ChangesTheName(Courier):
    def name(self, notice: FollowUpNotice) -> str | None:
        return notice.name.upper()


@found_out_by(Contract.test_leaves_the_notice_as_it_was)
class ScribblesOnTheNotice(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        cast(dict[str, Any], notice.lead)["status"] = "sent"
        return super().deliver(notice)


@found_out_by(Contract.test_lets_the_receiver_tell_a_repeat_from_another_notice)
class LeavesTheKeyOut(Courier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return None


@found_out_by(Contract.test_lets_the_receiver_tell_a_repeat_from_another_notice)
class MakesKeysOfItsOwn(Courier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return str(uuid4())


@found_out_by(Contract.test_lets_the_receiver_tell_a_repeat_from_another_notice)
class MakesAKeyForEachAttempt(Courier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return f"{notice.idempotency_key}-{notice.attempt}"


@found_out_by(Contract.test_lets_the_receiver_tell_a_repeat_from_another_notice)
class HasOneKeyForALead(Courier):
    def key(self, notice: FollowUpNotice) -> str | None:
        return notice.lead_id


@found_out_by(Contract.test_lets_the_receiver_tell_a_repeat_from_another_notice)
class SendsNothingAgain(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        if notice.attempt > 1:
            raise TryAgain("This was sent already.")
        return super().deliver(notice)


@found_out_by(Contract.test_says_try_again_in_time_when_the_receiver_hangs)
class HangsPastItsTimeOut(Courier):
    def take(self, letter: Received) -> str:
        return self.office.take(letter, WAIT_SECONDS)


@found_out_by(Contract.test_says_try_again_in_time_when_the_receiver_hangs)
class LetsTimeOutsThrough(Courier):
    def notify(self, notice: FollowUpNotice) -> Receipt:
        try:
            return Receipt(self.deliver(notice))
        except Busy:
            raise TryAgain("The office is busy.") from None


@found_out_by(Contract.test_says_refused_when_the_receiver_refuses)
class LetsItsOwnErrorsThrough(Courier):
    def notify(self, notice: FollowUpNotice) -> Receipt:
        return Receipt(self.deliver(notice))


@found_out_by(Contract.test_says_refused_when_the_receiver_refuses)
class TriesForEver(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Rejected:
            raise TryAgain("It did not work.") from None


@found_out_by(Contract.test_says_try_again_when_the_receiver_fails)
class GivesUpTooSoon(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Busy:
            raise Refused("It did not work.") from None


@found_out_by(Contract.test_says_try_again_when_the_receiver_fails)
class AsksForADelayInSeconds(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        try:
            return super().deliver(notice)
        except Busy:
            raise TryAgain("The office is busy.", delay=cast(timedelta, 60)) from None


@found_out_by(Contract.test_sends_notices_of_several_threads_at_once)
class HasOneConnection(Courier):
    """Breaks when two use it at once. Whoever has it keeps it until another comes."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._in_use, self._wanted = Lock(), Event()

    def deliver(self, notice: FollowUpNotice) -> str:
        if not self._in_use.acquire(blocking=False):
            self._wanted.set()
            raise RuntimeError("The connection is in use.")
        self._wanted.wait(WAIT_SECONDS)
        return super().deliver(notice)


@found_out_by(Contract.test_sends_notices_of_several_threads_at_once)
class MixesUpNoticesOfThreads(Courier):
    """Keeps the notice in a place that its threads share, until another has come."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._another = Barrier(2)

    def deliver(self, notice: FollowUpNotice) -> str:
        self._notice = notice
        try:
            self._another.wait(WAIT_SECONDS)
        except BrokenBarrierError:
            raise Busy from None
        return super().deliver(self._notice)


@found_out_by(Contract.test_keeps_nothing_from_one_notice_to_the_next)
class SendsWhatIsLeft(Courier):
    """Queues what it could not send, and sends it with the next notice."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._queue: list[Received] = []

    def deliver(self, notice: FollowUpNotice) -> str:
        self._queue.append(self.letter(notice))
        while self._queue:
            reference = self.take(self._queue[0])
            self._queue.pop(0)
        return reference


@found_out_by(Contract.test_keeps_nothing_from_one_notice_to_the_next)
class WritesToTheFirstRecipient(Courier):
    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._first: str | None = None

    def address(self, notice: FollowUpNotice) -> str | None:
        self._first = self._first or notice.email
        return self._first


@found_out_by(Contract.test_keeps_nothing_from_one_notice_to_the_next)
class SulksAfterAFailure(Courier):
    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._sulks = False

    def take(self, letter: Received) -> str:
        if self._sulks:
            raise Busy
        self._sulks = True
        reference = super().take(letter)
        self._sulks = False
        return reference


@found_out_by(Contract.test_declares_the_kind_of_address_that_it_needs)
class NeedsSomethingUnheardOf(Courier):
    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self.needs = cast(Address, "pigeon")

    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.email


@found_out_by(Contract.test_needs_no_other_address_than_it_declares)
class NeedsMoreThanItDeclares(Courier):
    def __init__(self, office: Office) -> None:
        super().__init__(office, needs=None)

    def address(self, notice: FollowUpNotice) -> str | None:
        if notice.phone is None:
            raise Refused("The recipient has no telephone number.")
        return notice.phone


@found_out_by(Contract.test_sends_a_notice_once_and_as_it_is)
class UsesAnotherAddressThanItDeclares(Courier):
    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.phone or notice.email


@found_out_by(Contract.test_accepts_nothing_that_lacks_the_address_it_needs)
class SendsWithoutAnAddress(Courier):
    def address(self, notice: FollowUpNotice) -> str | None:
        return notice.email or "nobody@example.com"


@found_out_by(Contract.test_gives_a_receipt_for_what_it_accepted)
class AnswersSomethingElse(Courier):
    def notify(self, notice: FollowUpNotice) -> Receipt:
        return cast(Receipt, super().notify(notice).reference)


@found_out_by(Contract.test_gives_a_receipt_for_what_it_accepted)
class AnswersANumber(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        super().deliver(notice)
        return cast(str, 17)


@found_out_by(Contract.test_sends_names_and_messages_of_any_kind_or_says_that_it_does_not)
class StumblesOverLineBreaks(Courier):
    def name(self, notice: FollowUpNotice) -> str | None:
        if "\n" in notice.name:
            raise ValueError("a header with a line break")
        return notice.name


@found_out_by(Contract.test_sends_names_and_messages_of_any_kind_or_says_that_it_does_not)
class TakesMessagesForTemplates(Courier):
    def message(self, notice: FollowUpNotice) -> str:
        return notice.message.replace("{email}", notice.email or "")


@found_out_by(Contract.test_sends_names_and_messages_of_any_kind_or_says_that_it_does_not)
class LetsNamesAddRecipients(Courier):
    def deliver(self, notice: FollowUpNotice) -> str:
        for _ in range(notice.name.count("@")):
            self.take(self.letter(notice))
        return super().deliver(notice)


@found_out_by(Contract.test_tells_no_secret)
class ShowsItsPassword(Courier):
    def __repr__(self) -> str:
        return f"ShowsItsPassword({self.password!r})"


@found_out_by(Contract.test_tells_no_secret)
class TellsItsPasswordWhenItFails(Courier):
    def take(self, letter: Received) -> str:
        try:
            return super().take(letter)
        except Busy:
            raise TryAgain(f"The office does not answer to {self.password}.") from None


@found_out_by(Contract.test_tells_no_secret)
class TellsItsPasswordWhenItIsRefused(Courier):
    def take(self, letter: Received) -> str:
        try:
            return super().take(letter)
        except Rejected:
            raise Refused(f"The office does not know {self.password}.") from None


@found_out_by(Contract.test_checks_the_channel_without_sending)
class ChecksBySending(Courier):
    def check(self) -> None:
        self.take(Received(message="Is anybody there?", idempotency_key=None))


@found_out_by(Contract.test_checks_the_channel_without_sending)
class IsNeverWell(Courier):
    def check(self) -> None:
        raise TryAgain("I have a headache.")
